// The ledger's table: buttons filter by verdict and chapter, a list by paper, a field by words; a heading sorts.
// What is chosen stands in the address. The table is complete without this script.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table.emlib-ledger");
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const chosen = {verdict: "", chapter: "", paper: "", words: ""};
  const kind = (row, name) => [...row.classList].find((word) => word.startsWith(`emlib-${name}-`))?.slice(name.length + 7) || "";
  const paper = (row) => (row.querySelector(".emlib-source")?.textContent || "").trim().replace(/(\]).*$/s, "$1");
  const is = {
    verdict: (row) => kind(row, "verdict"), chapter: (row) => kind(row, "chapter"), paper,
  };
  const counted = (name) => rows.reduce((found, row) => found.set(is[name](row), (found.get(is[name](row)) || 0) + 1), new Map());

  const tools = document.createElement("div");
  tools.className = "emlib-ledger-tools";
  const group = (name, title) => {
    const line = document.createElement("div"), found = [...counted(name)];
    if (name === "chapter") found.sort(([a], [b]) => a.localeCompare(b, "en", {numeric: true}));
    line.setAttribute("role", "group");
    line.setAttribute("aria-label", title);
    line.append(`${title} `);
    for (const [value, count] of [["", rows.length], ...found]) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.value = value;
      button.dataset.group = name;
      button.textContent = `${value || "all"} ${count}`;
      button.addEventListener("click", () => choose({[name]: value}));
      line.append(button);
    }
    tools.append(line);
  };
  group("verdict", "Verdict");
  group("chapter", "Chapter");
  const last = document.createElement("div");
  last.innerHTML = '<label>Paper or thread <select><option value="">all</option></select></label> ' +
    '<label>Filter rows <input type="search" autocomplete="off"></label> <output></output>';
  tools.append(last);
  const list = last.querySelector("select"), field = last.querySelector("input"), count = last.querySelector("output");
  [...counted("paper")].sort(([a], [b]) => a.localeCompare(b)).forEach(([name, n]) => list.add(new Option(`${name} (${n})`, name)));
  (table.closest(".emlib-ledger-box") || table).before(tools);

  const apply = () => {
    const words = chosen.words.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row) => {
      row.hidden = ["verdict", "chapter", "paper"].some((name) => chosen[name] && is[name](row) !== chosen[name])
        || !words.every((word) => row.textContent.toLowerCase().includes(word));
    });
    tools.querySelectorAll("button").forEach((b) => b.setAttribute("aria-pressed", String(chosen[b.dataset.group] === b.dataset.value)));
    list.value = chosen.paper;
    if (field.value !== chosen.words) field.value = chosen.words;
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
  };
  const choose = (change) => {
    Object.assign(chosen, change);
    const set = Object.entries(chosen).filter(([, value]) => value);
    location.hash = set.length ? new URLSearchParams(set).toString() : "rows";
    apply();
  };
  let pause;
  const read = () => {
    clearTimeout(pause);
    const given = new URLSearchParams(location.hash.slice(1));
    for (const name of Object.keys(chosen)) chosen[name] = given.get(name) || "";
    apply();
    const row = document.getElementById(location.hash.slice(1));
    if (row) row.scrollIntoView();  // it may have been hidden when the browser looked for it
  };
  list.addEventListener("change", () => choose({paper: list.value}));
  field.addEventListener("input", () => {
    chosen.words = field.value;
    apply();
    clearTimeout(pause);
    pause = setTimeout(() => choose({}), 500);
  });
  addEventListener("hashchange", read);

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].textContent.trim();
      rows.sort((a, b) => key(a).localeCompare(key(b), "en", {numeric: true}) * (down ? -1 : 1));
      body.append(...rows);
    });
  });
  apply();
  read();
});
