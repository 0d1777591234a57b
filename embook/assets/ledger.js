// The ledger's table: a button in each heading sorts, a field above filters. The table is complete without this script.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table.emlib-ledger");
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows];
  const tools = document.createElement("p");
  tools.className = "emlib-ledger-tools";
  tools.innerHTML = '<label for="emlib-ledger-filter">Filter rows</label> ' +
    '<input id="emlib-ledger-filter" type="search" autocomplete="off"> <output for="emlib-ledger-filter"></output>';
  const box = table.closest(".emlib-ledger-box") || table;
  box.before(tools);
  const field = tools.querySelector("input"), count = tools.querySelector("output");
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row) => { row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word)); });
    count.textContent = rows.filter((row) => !row.hidden).length + " of " + rows.length + " rows";
  };
  field.addEventListener("input", filter);
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      [...table.tHead.rows[0].cells].forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].textContent.trim();
      rows.sort((a, b) => key(a).localeCompare(key(b), "en", { numeric: true }) * (down ? -1 : 1));
      body.append(...rows);
    });
  });
  filter();
});
