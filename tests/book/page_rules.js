// The rules for a page of the book, each a function that returns its faults as sentences; the browser tests call them.
(() => {
  const content = () => document.querySelector("article.bd-article") || document.querySelector("main") || document.body;
  const all = selector => [...content().querySelectorAll(selector)];
  const brief = text => text.trim().replace(/\s+/g, " ").slice(0, 60);
  const seen = element => element.getClientRects().length > 0;

  const formulas = () => {
    const faults = [], walker = document.createTreeWalker(content(), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode;
      if (text.parentElement.closest("script, style, pre, code, .katex, .highlight")) continue;
      if (/\\\(|\\\[|\$\$|\\begin\{/.test(text.data)) faults.push(`raw formula: ${brief(text.data)}`);
    }
    all("span.math, div.math").filter(e => !e.querySelector(".katex")).forEach(e => faults.push(`not typeset: ${brief(e.textContent)}`));
    all(".emlib-formula-fault, .katex-error").forEach(e => faults.push(`formula with an error: ${brief(e.textContent)}`));
    return faults;
  };

  const overflow = () => {
    const wide = document.documentElement.scrollWidth - window.innerWidth;
    return wide > 0 ? [`the page is ${wide} px too wide`] : [];
  };

  // A displayed formula is clipped when it, or the box that scrolls it, holds more than it shows.
  const clipped = () => all("div.math .katex-display").filter(seen).flatMap(formula => {
    const box = formula.closest("div.math") || formula.parentElement;
    const inner = formula.querySelector(".katex-html") || formula, limit = box.getBoundingClientRect().right;
    const over = Math.max(box.scrollWidth - box.clientWidth, formula.scrollWidth - formula.clientWidth, inner.getBoundingClientRect().right - limit);
    return over > 2 ? [`formula ${Math.round(over)} px too wide near: ${brief(box.id || box.previousElementSibling?.textContent || "")}`] : [];
  });

  // A finger needs some length to choose a place on a slider.
  const sliders = () => all("input[type=range]").filter(seen).filter(e => e.getBoundingClientRect().width < 150)
    .map(e => `slider only ${Math.round(e.getBoundingClientRect().width)} px long: ${e.id}`);

  const figures = () => {
    const faults = [];
    all("figure").forEach(figure => {
      const number = figure.querySelector("figcaption .caption-number"), words = figure.querySelector("figcaption .caption-text");
      if (!number || !/\d/.test(number.textContent)) faults.push(`figure without a number: ${figure.id}`);
      if (!words || words.textContent.trim().length < 10) faults.push(`figure without a caption: ${figure.id}`);
    });
    all("img").forEach(image => {
      const alt = image.getAttribute("alt") || "";
      if (alt.split(/\s+/).length < 4 || /\.(png|svg|jpe?g)$/i.test(alt)) faults.push(`picture without alt text: ${image.getAttribute("src").slice(-40)}`);
    });
    all("img, .emx").filter(e => !e.closest("figure")).forEach(e => faults.push(`picture outside a numbered figure: ${e.id || e.getAttribute("src")?.slice(-40)}`));
    all(".emx").filter(e => !e.querySelector("[role=img][aria-label]")).forEach(e => faults.push(`explorable without a description: ${e.id}`));
    return faults;
  };

  const ids = () => {
    const count = {};
    document.querySelectorAll("[id]").forEach(e => { count[e.id] = (count[e.id] || 0) + 1; });
    return Object.keys(count).filter(id => count[id] > 1).map(id => `id ${id} stands ${count[id]} times`);
  };

  const folds = () => {
    const faults = [];
    const folded = all(".toggle, .admonition.dropdown"), buttons = all("button.toggle-button");
    if (folded.length !== buttons.length) faults.push(`${folded.length} folded passages but ${buttons.length} buttons`);
    all("details").filter(e => !e.querySelector(":scope > summary")).forEach(e => faults.push(`fold without a summary: ${brief(e.textContent)}`));
    return faults;
  };

  // To be called after "beforeprint": nothing but code may stay folded on paper.
  const printed = () => {
    const faults = all("details:not(.hide)").filter(e => !e.open).map(e => `stays folded in print: ${brief(e.textContent)}`);
    all(".toggle-hidden").forEach(e => faults.push(`stays hidden in print: ${brief(e.textContent)}`));
    all("div.proof").filter(e => !seen(e)).forEach(e => faults.push(`not printed: ${brief(e.textContent)}`));
    return faults;
  };

  // To be called at the width of the paper: what lies beside it, or in a box that would have to scroll, is lost.
  const cut = () => all("table, .emlib-scroll, .pst-scrollable-table-container").filter(seen).flatMap(e => {
    const scrolls = getComputedStyle(e).overflowX !== "visible" ? e.scrollWidth - e.clientWidth : 0;
    const over = Math.max(scrolls, e.getBoundingClientRect().right - content().getBoundingClientRect().right);
    return over > 2 ? [`${Math.round(over)} px cut off in print: ${brief(e.textContent)}`] : [];
  });

  // A link in a drawing has an object for its href, so that the address is taken from the attribute.
  const address = a => new URL(a.getAttribute("href"), document.baseURI).href.split("?")[0];
  const links = () => [...document.querySelectorAll("a[href]")].map(address);
  const anchors = () => [...document.querySelectorAll("[id]")].map(e => e.id);
  const folded_equations = () => all("details:not([open]) div.math[id], .toggle-hidden div.math[id]").map(e => e.id);

  window.pageRules = {formulas, overflow, clipped, sliders, figures, ids, folds, printed, cut, links, anchors, folded_equations};
})();
