"use strict";
(() => {
  const tables = [...document.querySelectorAll("table.workloads")];
  const bodies = (table) => [...table.tBodies];
  const value = (body, column) => {
    const cell = body.rows[0].cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
  };
  const sort = (table, column, header) => {
    const down = header.getAttribute("aria-sort") !== "descending";
    const sign = down ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sorted = bodies(table).map((body) => [value(body, column), body]);
    sorted.sort(([a], [b]) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b))) * sign);
    table.append(...sorted.map(([, body]) => body));
  };
  for (const table of tables) {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = header.textContent;
      button.title = "Sort by " + header.textContent;
      button.addEventListener("click", () => sort(table, column, header));
      header.replaceChildren(button);
    });
  }
  const tools = document.getElementById("tools");
  if (tools && tables.length > 0) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("span");
    input.type = "search";
    input.placeholder = "Filter: namespace, name, kind, risk";
    input.setAttribute("aria-label", "Filter the workloads");
    count.className = "quiet";
    count.setAttribute("role", "status");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const body of tables.flatMap(bodies)) {
        const text = body.rows[0].textContent.toLowerCase();
        body.hidden = !words.every((word) => text.includes(word));
        shown += body.hidden ? 0 : 1;
      }
      count.textContent = words.length > 0 ? shown + " shown" : "";
      if (words.length > 0) for (const rest of document.querySelectorAll("details.rest")) rest.open = true;
    });
    label.append(input);
    tools.append(label, count);
  }
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    const outer = target.closest("details.rest");
    if (outer) outer.open = true;
    const inner = target.querySelector("details");
    if (inner) inner.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();
})();
