"use strict";
(() => {
  const view = document.getElementById("view");
  const picture = view.querySelector("svg");
  const told = document.getElementById("told");
  const width = picture.viewBox.baseVal.width;
  const height = picture.viewBox.baseVal.height;
  let scale = 1;

  function zoom(to, at) {
    const before = scale;
    scale = Math.min(8, Math.max(0.05, to));
    const x = at ? at.x : view.clientWidth / 2;
    const y = at ? at.y : view.clientHeight / 2;
    const left = (view.scrollLeft + x) * (scale / before) - x;
    const top = (view.scrollTop + y) * (scale / before) - y;
    picture.setAttribute("width", width * scale);
    picture.setAttribute("height", height * scale);
    view.scrollTo(left, top);
  }

  function whole() {
    zoom(Math.min(view.clientWidth / width, view.clientHeight / height));
  }

  function tell(part) {
    const lines = document.createDocumentFragment();
    for (const [name, value] of Object.entries(part.dataset)) {
      const term = document.createElement("dt");
      const said = document.createElement("dd");
      term.textContent = name.replace(/([A-Z])/g, " $1").toLowerCase();
      const number = /^\d+$/.test(value) ? Number(value).toLocaleString("en") : value;
      said.textContent = number;  // text, whatever a name contains
      lines.append(term, said);
    }
    told.replaceChildren(lines);
  }

  document.getElementById("closer").addEventListener("click", () => zoom(scale * 1.4));
  document.getElementById("farther").addEventListener("click", () => zoom(scale / 1.4));
  document.getElementById("whole").addEventListener("click", whole);
  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const place = view.getBoundingClientRect();
    const at = { x: event.clientX - place.left, y: event.clientY - place.top };
    zoom(scale * Math.exp(-event.deltaY / 300), at);
  }, { passive: false });
  view.addEventListener("keydown", (event) => {
    if (event.key === "+") zoom(scale * 1.4);
    else if (event.key === "-") zoom(scale / 1.4);
    else if (event.key === "0") whole();
    else return;
    event.preventDefault();
  });

  let held = null;
  view.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    held = { x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop };
  });
  window.addEventListener("pointermove", (event) => {
    if (held) view.scrollTo(held.x - event.clientX, held.y - event.clientY);
  });
  window.addEventListener("pointerup", () => { held = null; });

  for (const part of picture.querySelectorAll(".part")) {
    part.addEventListener("focus", () => tell(part));
    part.addEventListener("pointerenter", () => tell(part));
  }
  if (width > view.clientWidth) zoom(Math.max(0.35, view.clientWidth / width));
  document.body.dataset.seen = String(picture.querySelectorAll(".part").length);
})();
