// A claim's chip tells its statement, verdict and number: to the mouse and the keyboard at once, to a finger at the first
// tap, of which the second follows the link. Without this script the browser shows the same as the link's title.
document.addEventListener("DOMContentLoaded", () => {
  const tip = document.createElement("div");
  let owner = null;
  tip.className = "emlib-tip";
  tip.id = "emlib-tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  const hide = () => {
    if (owner) owner.removeAttribute("aria-describedby");
    owner = null;
    tip.hidden = true;
  };
  const show = (chip) => {
    hide();
    owner = chip;
    tip.textContent = chip.dataset.tip;
    tip.hidden = false;
    chip.setAttribute("aria-describedby", tip.id);
    const at = chip.getBoundingClientRect(), wide = document.documentElement.clientWidth;
    tip.style.left = `${Math.max(8, Math.min(at.left, wide - tip.offsetWidth - 8))}px`;
    tip.style.top = `${at.bottom + 6}px`;
  };
  document.querySelectorAll("a.emlib-chip[title]").forEach((chip) => {
    chip.dataset.tip = chip.title;
    chip.removeAttribute("title");
    let byTouch = false;
    chip.addEventListener("pointerdown", (event) => { byTouch = event.pointerType === "touch"; });
    chip.addEventListener("mouseenter", () => { if (!byTouch) show(chip); });
    chip.addEventListener("focus", () => { if (!byTouch) show(chip); });
    chip.addEventListener("mouseleave", hide);
    chip.addEventListener("blur", hide);
    chip.addEventListener("click", (event) => {
      if (!byTouch || owner === chip) return;
      event.preventDefault();
      show(chip);
    });
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("pointerdown", (event) => { if (owner && !owner.contains(event.target)) hide(); });
  addEventListener("scroll", hide, {passive: true});
  (document.querySelector("main") || document.body).append(tip);
});
