"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);

  const options = { renderer: "svg", actions: { source: false, compiled: false, editor: false } };
  const drawn = read("charts").map((chart, index) =>
    vegaEmbed(`#chart-${index}`, chart, options));
  // Told to whoever waits for the page: a test, or a program that prints it.
  Promise.all(drawn).then(
    () => { document.body.dataset.drawn = String(drawn.length); },
    (error) => { console.error(error); });

  const PAGE = 200;
  const columns = read("rows");
  const rows = columns.length ? columns[0].shown.map((_, index) => index) : [];
  const text = rows.map((row) =>
    columns.map((column) => column.shown[row]).join("\u0000").toLowerCase());
  const head = document.querySelector("thead tr");
  const body = document.querySelector("tbody");
  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const more = document.getElementById("more");
  const order = new Intl.Collator("en", { numeric: true });
  let sorted = { column: -1, down: false };
  let limit = PAGE;

  function compare(column, a, b) {
    const x = column.values[a];
    const y = column.values[b];
    if (x === null && y === null) return order.compare(column.shown[a], column.shown[b]);
    return x === null ? 1 : y === null ? -1 : x - y;
  }

  function chosen() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((row) => words.every((word) => text[row].includes(word)));
    if (sorted.column < 0) return found;
    const column = columns[sorted.column];
    const empty = (row) => column.shown[row] === "";
    const sign = sorted.down ? -1 : 1;
    return found.sort((a, b) =>
      (empty(a) - empty(b)) || sign * compare(column, a, b) || a - b);
  }

  function show() {
    const found = chosen();
    const lines = document.createDocumentFragment();
    for (const row of found.slice(0, limit)) {
      const line = document.createElement("tr");
      for (const column of columns) {
        const cell = document.createElement("td");
        cell.textContent = column.shown[row];  // text, whatever a name contains
        if (column.left) cell.className = "left";
        line.append(cell);
      }
      lines.append(line);
    }
    body.replaceChildren(lines);
    more.hidden = found.length <= limit;
    const part = found.length > limit ? `first ${limit} of ${found.length}` : `${found.length}`;
    shown.textContent = `${part} of ${rows.length} rows`;
  }

  columns.forEach((column, index) => {
    const cell = document.createElement("th");
    const button = document.createElement("button");
    cell.scope = "col";
    if (column.left) cell.className = "left";
    button.type = "button";
    button.textContent = column.header;
    button.addEventListener("click", () => {
      const down = sorted.column === index ? !sorted.down : false;
      sorted = { column: index, down };
      for (const other of head.children) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      show();
    });
    cell.append(button);
    head.append(cell);
  });
  filter.addEventListener("input", () => { limit = PAGE; show(); });
  more.addEventListener("click", () => { limit *= 5; show(); });
  window.addEventListener("beforeprint", () => { limit = Math.max(limit, 1000); show(); });
  show();
})();
