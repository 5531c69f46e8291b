// Held requests: who answered, and how long it took. At the beginning each language is asked once.
import { ask, element } from "./ask.js";

const section = document.getElementById("held");
const rows = section.querySelector("tbody");

async function hello(language) {
  const row = element("tr", "");
  try {
    const { language: name, version, process, ms } = await ask(`/api/${language}/hello`);
    row.className = name.toLowerCase();
    row.append(element("td", name), element("td", version), element("td", process), element("td", `${ms.toFixed(1)} ms`, "number"));
  } catch (error) {
    row.append(element("td", language), element("td", error.message));
    row.lastChild.colSpan = 3;
  }
  rows.prepend(row);
  while (rows.childElementCount > 5) rows.lastElementChild.remove();
}

for (const button of section.querySelectorAll("button")) {
  button.addEventListener("click", () => hello(button.dataset.language));
}
for (const language of ["ruby", "python", "swift"]) await hello(language);
