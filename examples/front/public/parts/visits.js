// The session: a counter that every worker can count on.
import { ask } from "./ask.js";

const counted = document.getElementById("counted");
try {
  const { language, process, visits } = await ask("/api/any/visit", { method: "POST" });
  document.getElementById("visits").textContent = visits;
  counted.textContent = `${visits === 1 ? "visit" : "visits"}, counted last in ${language}, process ${process}. Load the page again.`;
} catch (error) {
  counted.textContent = error.message;
}
