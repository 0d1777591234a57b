// A figure that was drawn beforehand for each of a few positions: a range input or a handle chooses one.
emlib.stepped = emlib.stepped || ((root, data) => {
  const {clamp, part, say, handle, place} = emlib.explorable;
  const range = part(root, "range"), knob = part(root, "handle");
  const first = Number(root.dataset.index), shown = Array.from(root.querySelectorAll("[data-curve]"));
  const show = index => {
    shown.forEach((path, k) => path.setAttribute("d", data.paths[index][k]));
    part(root, "range_value").textContent = data.values[index];
    if (range) range.setAttribute("aria-valuetext", data.values[index]);
    if (knob) place(knob, ...data.positions[index], {valuenow: index, valuetext: data.values[index]});
    root.dataset.index = index;
    say(root, data.says[index]);
  };
  if (range) range.addEventListener("input", () => show(Number(range.value)));
  part(root, "again").addEventListener("click", () => {
    if (range) range.value = first;
    show(first);
  });
  if (knob) {
    const last = data.paths.length - 1;
    const distance = (k, px, py) => Math.hypot(data.positions[k][0] - px, data.positions[k][1] - py);
    const nearest = (px, py) => data.positions.reduce((best, _, k) => distance(k, px, py) < distance(best, px, py) ? k : best, 0);
    handle(knob, (px, py) => show(nearest(px, py)), (dx, dy) => show(clamp(Number(root.dataset.index) + dx + dy, 0, last)));
  }
});
