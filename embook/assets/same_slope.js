// Genetic linkage, cells (1/2 + t/4, (1-t)/4, (1-t)/4, t/4): the log-likelihood and EM's lower bound at one point.
emlib.sameSlope = emlib.sameSlope || (() => {
  const observed = (t, y) => y[0] * Math.log(2 + t) + (y[1] + y[2]) * Math.log(1 - t) + y[3] * Math.log(t);
  const expected = (t, hidden, y) => (hidden + y[3]) * Math.log(t) + (y[1] + y[2]) * Math.log(1 - t);

  const compute = (t, y, rate) => {
    const others = y[1] + y[2], hidden = y[0] * t / (2 + t);
    const slope = y[0] / (2 + t) - others / (1 - t) + y[3] / t;
    const seen = y[0] / (2 + t) ** 2 + others / (1 - t) ** 2 + y[3] / t ** 2;
    const complete = (hidden + y[3]) / t ** 2 + others / (1 - t) ** 2;
    return {
      theta: t, loglik: observed(t, y), hidden, slope, bound_slope: (hidden + y[3]) / t - others / (1 - t),
      observed_information: seen, complete_information: complete, missing_fraction: 1 - seen / complete,
      em: (hidden + y[3]) / (hidden + y[3] + others), newton: t + slope / seen, gradient: t + rate * slope,
    };
  };

  const curves = (t, y, rate) => {
    const c = compute(t, y, rate), base = expected(t, c.hidden, y);
    return {
      loglik: x => observed(x, y),
      bound: x => c.loglik + expected(x, c.hidden, y) - base,
      seen: x => c.loglik + c.slope * (x - t) - c.observed_information * (x - t) ** 2 / 2,
      complete: x => c.loglik + c.slope * (x - t) - c.complete_information * (x - t) ** 2 / 2,
      tangent: x => c.loglik + c.slope * (x - t),
    };
  };

  const start = (root, data) => {
    const {clamp, part, set, write, show, gain, say, handle, place} = emlib.explorable;
    const axes = emlib.explorable.axes(data.axes), knob = part(root, "handle"), {y, rate} = data;
    let now = data.start;
    const draw = () => {
      const c = compute(now, y, rate), f = curves(now, y, rate), up = (name, x) => f[name](x) - data.summit;
      const line = (name, xs) => axes.path(xs.map(x => [x, up(name, x)]));
      const near = width => data.unit.map(u => now + width * u);
      set(root, "bound", {d: line("bound", data.grid)});
      set(root, "gap", {d: axes.path(data.grid.map(x => [x, up("loglik", x)]).concat(data.grid.map(x => [x, up("bound", x)]).reverse())) + "z"});
      set(root, "seen", {d: line("seen", near(data.reach))});
      set(root, "complete", {d: line("complete", near(data.reach))});
      const half = data.tangent / Math.hypot(1, c.slope * data.aspect);
      set(root, "tangent", {d: line("tangent", [now - half, now + half])});
      for (const [name, curve] of [["em", "bound"], ["newton", "seen"], ["gradient", "tangent"]]) {
        set(root, `${name}-drop`, {d: axes.path([[c[name], Math.min(up(curve, c[name]), axes.y[1])], [c[name], axes.y[0]]])});
        set(root, `${name}-dot`, {transform: `translate(${axes.px(c[name])} ${axes.py(axes.y[0])})`});
        write(root, {[`${name}-to`]: show(c[name], 4), [`${name}-gain`]: gain(observed(c[name], y) - c.loglik, 2)});
      }
      part(root, "bar").style.width = `${show(100 - 100 * c.missing_fraction, 1)}%`;
      write(root, {theta: show(now, 3), slope: show(c.slope, 1), seen_value: show(c.observed_information, 1),
        complete_value: show(c.complete_information, 1), share: show(c.missing_fraction, 4)});
      place(knob, axes.px(now), axes.py(Math.max(up("loglik", now), axes.y[0])), {valuenow: show(now, 3), valuetext: `theta ${show(now, 3)}, missing share ${show(c.missing_fraction, 3)}`});
      root.dataset.theta = now;
      return c;
    };
    const go = theta => {
      now = clamp(theta, ...data.limits);
      const c = draw();
      say(root, `At \u03b8 = ${show(now, 3)} both curves have slope ${show(c.slope, 1)}; the missing share is ${show(c.missing_fraction, 3)}; EM steps to ${show(c.em, 4)}.`);
    };
    handle(knob, px => go(axes.x_of(px)), (dx, dy) => go(now + data.nudge * (dx + dy)));
    for (const name of ["em", "newton", "gradient"]) part(root, `${name}-step`).addEventListener("click", () => go(compute(now, y, rate)[name]));
    part(root, "again").addEventListener("click", () => go(data.start));
    draw();
  };
  return {compute, curves, start};
})();
