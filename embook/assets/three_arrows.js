// Two normals of variance one, mixed half and half, unknown means: three steps from one point of the likelihood surface.
emlib.threeArrows = emlib.threeArrows || (() => {
  const sample = (scores, separation) => [...scores.map(z => z - separation / 2), ...scores.map(z => z + separation / 2)];

  const loglik = (mu, x) => x.reduce((sum, v) => {
    const [a, b] = mu.map(m => -((v - m) ** 2) / 2), top = Math.max(a, b);
    return sum + top + Math.log((Math.exp(a - top) + Math.exp(b - top)) / 2) - Math.log(2 * Math.PI) / 2;
  }, 0);

  // Everything at mu from one E-step; unit is c in u2 = c mu2, the coordinate in which the gradient step is taken.
  const compute = (mu, x, unit) => {
    const n = [0, 0], g = [0, 0], h = [0, 0, 0];
    for (const v of x) {
      const d = mu.map(m => v - m), r = 1 / (1 + Math.exp((d[0] ** 2 - d[1] ** 2) / 2)), w = r * (1 - r);
      [r, 1 - r].forEach((share, k) => { n[k] += share; g[k] += share * d[k]; });
      h[0] += w * d[0] ** 2 - r; h[1] -= w * d[0] * d[1]; h[2] += w * d[1] ** 2 - (1 - r);
    }
    const det = h[0] * h[2] - h[1] ** 2, pace = 1 / Math.sqrt(n[0] * n[1]);
    return {
      loglik: loglik(mu, x), counts: n, gradient: g, hessian: h, definite: h[0] < 0 && det > 0,
      projection: [1 / n[0], 1 / n[1]], ball: [unit * pace, pace / unit],
      steps: {
        em: [g[0] / n[0], g[1] / n[1]],
        newton: [-(h[2] * g[0] - h[1] * g[1]) / det, -(h[0] * g[1] - h[1] * g[0]) / det],
        gradient: [unit * pace * g[0], pace / unit * g[1]],
      },
    };
  };

  const arrow = (axes, mu, step) => {
    const [x, y] = [axes.px(mu[0]), axes.py(mu[1])], [dx, dy] = [axes.px(mu[0] + step[0]) - x, axes.py(mu[1] + step[1]) - y];
    const length = Math.hypot(dx, dy), head = Math.min(230, length / 2), turn = Math.atan2(dy, dx) * 180 / Math.PI;
    return {shaft: `M${x} ${y}l${dx} ${dy}`, head: `translate(${x + dx} ${y + dy}) rotate(${emlib.explorable.round(turn)}) scale(${(head / 230).toFixed(2)})`};
  };

  const start = (root, data) => {
    const {clamp, part, set, write, show, gain, say, handle, place} = emlib.explorable;
    const axes = emlib.explorable.axes(data.axes), knob = part(root, "handle");
    const apart = part(root, "separation"), units = part(root, "unit");
    let mu = data.start.slice();
    const names = ["em", "newton", "gradient"];
    const here = () => compute(mu, sample(data.scores, data.separations[apart.value]), 2 ** units.value);
    const draw = () => {
      const hill = data.hills[apart.value], x = sample(data.scores, data.separations[apart.value]), c = here();
      set(root, "levels", {d: hill.levels});
      set(root, "summit", {transform: `translate(${axes.px(hill.summit[0])} ${axes.py(hill.summit[1])})`});
      const scale = axes.px(axes.x[0] + 1) - axes.px(axes.x[0]);
      for (const [name, matrix] of [["projection", c.projection], ["ball", c.ball]]) {
        const size = matrix[0] * c.gradient[0] ** 2 + matrix[1] * c.gradient[1] ** 2;
        set(root, name, {cx: axes.px(mu[0]), cy: axes.py(mu[1]), rx: emlib.explorable.round(scale * Math.sqrt(size * matrix[0])), ry: emlib.explorable.round(scale * Math.sqrt(size * matrix[1]))});
      }
      for (const name of names) {
        const step = c.steps[name], drawn = arrow(axes, mu, step);
        set(root, `${name}-shaft`, {d: drawn.shaft});
        set(root, `${name}-head`, {transform: drawn.head});
        write(root, {[`${name}-by`]: `(${show(step[0], 2)}, ${show(step[1], 2)})`, [`${name}-gain`]: gain(loglik([mu[0] + step[0], mu[1] + step[1]], x) - c.loglik, 2)});
      }
      const share = Math.hypot(...c.steps.em) / Math.hypot(...c.steps.newton), words = `mu one ${show(mu[0], 2)}, mu two ${show(mu[1], 2)}`;
      write(root, {separation_value: data.separations[apart.value].toFixed(1), unit_value: `${show(2 ** units.value, 2)}`,
        share: Math.hypot(...c.gradient) < 1e-6 ? "at the summit" : show(share, 2), rate: show(hill.rate, 2),
        warning: c.definite ? "The surface is concave here: Newton's arrow sets out uphill." : "The surface is not concave here: Newton's arrow may set out downhill."});
      units.setAttribute("aria-valuetext", `one old unit is ${show(2 ** units.value, 2)} new ones`);
      apart.setAttribute("aria-valuetext", data.separations[apart.value].toFixed(1));
      place(knob, axes.px(mu[0]), axes.py(mu[1]), {valuenow: show(mu[0], 2).replace("\u2212", "-"), valuetext: words});
      root.dataset.mu = JSON.stringify(mu);
      return {share, c};
    };
    const tell = () => {
      const {share, c} = draw(), words = names.map(name => `${name} by ${c.steps[name].map(v => show(v, 2)).join(", ")}`).join("; ");
      say(root, `At ${mu.map(v => show(v, 2)).join(", ")}: ${words}. EM's arrow is ${show(share, 2)} of Newton's.`);
    };
    const go = point => { mu = [clamp(point[0], ...data.limits[0]), clamp(point[1], ...data.limits[1])]; tell(); };
    handle(knob, (px, py) => go([axes.x_of(px), axes.y_of(py)]), (dx, dy) => go([mu[0] + data.nudge * dx, mu[1] + data.nudge * dy]));
    for (const control of [apart, units]) control.addEventListener("input", tell);
    for (const name of names) {
      part(root, `${name}-step`).addEventListener("click", () => { const step = here().steps[name]; go([mu[0] + step[0], mu[1] + step[1]]); });
    }
    part(root, "again").addEventListener("click", () => { apart.value = data.first; units.value = data.unit; go(data.start.slice()); });
    draw();
  };
  return {sample, loglik, compute, start};
})();
