// Excerpts of found pages without what stands on a page twice: each formula's LaTeX and drawn form, and printed contents.
document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  const text = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    page.querySelectorAll(".katex-html, annotation, #jb-print-docs-body").forEach((part) => part.remove());
    return text.call(Search, page.documentElement.outerHTML, anchor);
  };
});
