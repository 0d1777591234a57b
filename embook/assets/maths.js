// Typesets every formula of the page once it is read; a formula with a fault stays as it was written, and is told.
document.addEventListener("DOMContentLoaded", () => {
  const macros = MACROS;
  const typeset = (place) => {
    const texts = [...place.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const source = texts.map((node) => node.data).join("").trim(), displayMode = source.startsWith("\\[");
    const formula = document.createElement("span");
    try {
      katex.render(source.replace(/^\\[[(]|\\[\])]$/g, ""), formula, {displayMode, macros});
    } catch (error) {
      formula.className = "emlib-formula-fault";
      formula.textContent = source;
      console.error(String(error));
    }
    texts.forEach((node) => node.remove());
    place.append(...(formula.className ? [formula] : formula.childNodes));
  };
  document.querySelectorAll("span.math, div.math").forEach(typeset);
});
