// Streamed answers: each line is how far a worker is.
const section = document.getElementById("progress");
const button = section.querySelector("button");
const output = section.querySelector("output");

async function follow(bar) {
  const response = await fetch(`/api/${bar.dataset.language}/progress`);
  if (!response.ok) throw new Error(`${bar.dataset.language}: ${response.status}`);
  let rest = "";
  let pieces = 0;
  for (const reader = response.body.pipeThrough(new TextDecoderStream()).getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return pieces;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    if (lines.length > 0) bar.value = Number(lines.at(-1));
    pieces += 1;
  }
}

button.addEventListener("click", async () => {
  const bars = [...section.querySelectorAll("progress")];
  button.disabled = true;
  output.textContent = "";
  for (const bar of bars) bar.value = 0;
  try {
    const pieces = await Promise.all(bars.map(follow));
    output.textContent = `${pieces.reduce((sum, count) => sum + count)} pieces`;
  } catch (error) {
    output.textContent = error.message;
  } finally {
    button.disabled = false;
  }
});
