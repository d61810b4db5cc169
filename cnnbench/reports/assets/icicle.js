"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const HEIGHT = 420;
  const LETTER = 6.6;  // pixels
  const NARROWEST = 90;  // pixels of a column, so that a name of some letters is read
  const place = document.getElementById("icicle");
  const trail = document.getElementById("trail");
  const told = document.getElementById("cell");
  const tools = document.getElementById("divided");
  const { costs, tree: whole } = JSON.parse(document.getElementById("tree").textContent);
  let cost = 0;
  let path = [whole];

  const value = (node) => (node.values.length ? node.values[cost][0] : 0);
  const depth = (node) => 1 + Math.max(0, ...node.children.map(depth));
  const share = (node) => `${(value(whole) ? (100 * value(node)) / value(whole) : 0).toFixed(1)}%`;
  const said = (node) => (costs.length
    ? `${node.name}: ${node.values[cost][1]}, ${share(node)}` : node.name);

  function element(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, one] of Object.entries(attributes)) made.setAttribute(key, one);
    return made;
  }

  function go(node, parents) {
    path = node.children.length ? [...parents, node] : parents;
    if (!path.length) path = [whole];
    draw();
    place.querySelector(".cell").focus();  // what was focused is drawn anew
  }

  function draw() {
    const root = path[path.length - 1];
    const width = place.clientWidth;
    const columns = Math.max(2, Math.min(depth(root), 6, Math.floor(width / NARROWEST)));
    const column = width / columns;
    const picture = element("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "group" });
    const put = (node, level, top, height, parents) => {
      if (height < 0.7 || level >= columns) return;
      const box = element("g", { class: "cell", tabindex: "0", role: "button" });
      box.setAttribute("aria-label", said(node));
      const title = element("title", {});
      title.textContent = said(node);  // text, whatever a name contains
      const shape = element("rect", {
        x: level * column, y: top, width: Math.max(1, column - 1), height: Math.max(0.5, height - 1),
        "fill-opacity": 0.15 + 0.5 * (value(root) ? value(node) / value(root) : 0),
      });
      box.append(title, shape);
      if (height > 13) {
        const text = element("text", { x: level * column + 5, y: top + Math.min(height / 2 + 4, 16) });
        const letters = Math.floor((column - 10) / LETTER);
        const words = said(node).length > letters ? `${node.name} ${share(node)}` : said(node);
        text.textContent = words.length > letters ? words.slice(0, Math.max(0, letters - 1)) + "…" : words;
        box.append(text);
      }
      const chosen = () => (node === root && path.length > 1
        ? go(path[path.length - 2], path.slice(0, -2)) : go(node, parents));
      const tell = () => { told.textContent = [...parents.slice(1), node].map((one) => one.name).join(" › ") + said(node).slice(node.name.length); };
      box.addEventListener("focus", tell);
      box.addEventListener("pointerenter", tell);
      box.addEventListener("click", chosen);
      box.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        chosen();
      });
      picture.append(box);
      let at = top;
      for (const child of node.children) {
        const own = value(node) ? (height * value(child)) / value(node) : 0;
        put(child, level + 1, at, own, [...parents, node]);
        at += own;
      }
    };
    put(root, 0, 0, HEIGHT, path.slice(0, -1));
    place.replaceChildren(picture);
    trail.textContent = path.map((node) => node.name).join(" › ");
  }

  costs.forEach((name, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.setAttribute("aria-pressed", String(index === cost));
    button.addEventListener("click", () => {
      cost = index;
      for (const other of tools.children) other.setAttribute("aria-pressed", String(other === button));
      draw();
    });
    tools.append(button);
  });
  window.addEventListener("resize", draw);
  draw();
})();
