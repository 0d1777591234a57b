// Folded passages: all but code are open when printed, and one opens when a link leads into it.
(() => {
  const openAll = () => document.querySelectorAll("details:not(.hide)").forEach((fold) => { fold.open = true; });
  const openTarget = (hash) => {
    const target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    if (!target) return;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    const hidden = target.closest(".toggle-hidden");
    const button = hidden && hidden.querySelector(".toggle-button");
    if (button) button.click();
    target.scrollIntoView();
  };
  // The theme's printed title has no number.
  const numberTitle = () => {
    const number = document.querySelector(".bd-article h1 > .section-number");
    const title = document.querySelector("#jb-print-docs-body h1");
    if (number && title) title.prepend(number.cloneNode(true));
  };
  window.addEventListener("load", numberTitle);
  window.addEventListener("beforeprint", openAll);
  window.addEventListener("hashchange", () => openTarget(location.hash));
  window.addEventListener("load", () => openTarget(location.hash));
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a[href*='#']");
    if (link && link.pathname === location.pathname && link.hash === location.hash) openTarget(link.hash);
  });
})();
