// What every explorable shares: dragging, keys, readouts, a live region that waits until the reader pauses.
window.emlib = window.emlib || {};
emlib.explorable = emlib.explorable || (() => {
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const round = value => Math.floor(value + 0.5);

  // The same map from numbers to picture units as embook.explorables.axes.Axes, so that both draw the same.
  const axes = a => ({
    ...a,
    px: x => round(a.left + (x - a.x[0]) / (a.x[1] - a.x[0]) * (a.width - a.left - a.right)),
    py: y => round(a.height - a.bottom - (y - a.y[0]) / (a.y[1] - a.y[0]) * (a.height - a.top - a.bottom)),
    x_of: px => a.x[0] + (px - a.left) / (a.width - a.left - a.right) * (a.x[1] - a.x[0]),
    y_of: py => a.y[0] + (a.height - a.bottom - py) / (a.height - a.top - a.bottom) * (a.y[1] - a.y[0]),
    path(points) {
      let [px, py] = [this.px(points[0][0]), this.py(points[0][1])];
      const steps = points.slice(1).map(([x, y]) => {
        const [nx, ny] = [this.px(x), this.py(y)], step = `${nx - px} ${ny - py}`;
        [px, py] = [nx, ny];
        return step;
      });
      return `M${this.px(points[0][0])} ${this.py(points[0][1])}l${steps.join(" ")}`;
    },
  });

  const part = (root, name) => root.querySelector(`[data-part="${name}"]`);
  const set = (root, name, attributes) => {
    for (const [key, value] of Object.entries(attributes)) part(root, name).setAttribute(key, value);
  };
  const write = (root, texts) => {
    for (const [name, text] of Object.entries(texts)) part(root, name).textContent = text;
  };

  // One number format for readouts and spoken text: a true minus sign, never minus zero.
  const show = (value, digits) => {
    if (!Number.isFinite(value)) return "outside";
    const text = Math.abs(value).toFixed(digits);
    return (value < 0 && Number(text) !== 0 ? "\u2212" : "") + text;
  };
  const gain = (value, digits) => (value >= 0 && Number.isFinite(value) ? "+" : "") + show(value, digits);

  // The sentence under the figure follows at once; what is read aloud waits until the reader pauses.
  const say = (root, text) => {
    const told = part(root, "told");
    if (told) told.textContent = text;
    clearTimeout(root.emlibTimer);
    root.emlibTimer = setTimeout(() => { part(root, "say").textContent = text; }, 300);
  };

  // A handle hears the pointer, move(px, py) in picture units, and the keys, nudge(dx, dy) in steps.
  const handle = (element, move, nudge) => {
    const svg = element.ownerSVGElement;
    const at = event => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    element.addEventListener("pointerdown", event => {
      event.preventDefault();
      element.focus();
      element.setPointerCapture(event.pointerId);
    });
    // Without this a browser takes a finger's second move for scrolling, whatever touch-action says of a part of an SVG.
    element.addEventListener("touchstart", event => event.preventDefault(), {passive: false});
    element.addEventListener("pointermove", event => {
      if (element.hasPointerCapture(event.pointerId)) move(at(event).x, at(event).y);
    });
    const keys = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], PageUp: [0, 5], PageDown: [0, -5],
      Home: [-Infinity, 0], End: [Infinity, 0]};
    element.addEventListener("keydown", event => {
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      nudge(...keys[event.key].map(step => step * (event.shiftKey ? 5 : 1) || 0));
    });
  };

  const place = (element, px, py, aria) => {
    element.setAttribute("transform", `translate(${px} ${py})`);
    for (const [key, value] of Object.entries(aria)) element.setAttribute(`aria-${key}`, value);
  };

  // Runs start(root, data) once for an explorable, when its markup is there; data is the JSON that Python wrote.
  const run = (id, start) => {
    const root = document.getElementById(id);
    if (!root || root.dataset.ready) return;
    root.dataset.ready = "true";
    start(root, JSON.parse(part(root, "data").textContent));
    root.querySelectorAll("button, input").forEach(control => { control.disabled = false; });
  };

  return {clamp, round, axes, part, set, write, show, gain, say, handle, place, run};
})();
