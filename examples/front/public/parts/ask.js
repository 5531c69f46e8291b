// Requests that workers answer. Before it: a part of the page. After it: the front, which holds the request.

/** The answer's JSON, and in `ms` how long it took. Throws an Error that says what the front answered instead. */
export async function ask(path, options = {}) {
  const start = performance.now();
  const response = await fetch(path, options);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  const ms = performance.now() - start;
  return response.headers.get("content-type") === "application/json" ? { ...JSON.parse(text), ms } : { text, ms };
}

/** What a form's button does, but for one request at a time: the button waits, and what goes wrong is shown. */
export function onSubmit(form, show, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await work(form.elements);
    } catch (error) {
      show(error);
    } finally {
      button.disabled = false;
    }
  });
}

/** An element with text in it; text only, so that nothing that was answered becomes a part of the page. */
export function element(name, text, kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/** Puts a line on top of a list, and takes those away that nobody looks at any more. */
export function line(list, parts, kind = "") {
  const item = element("li", "", kind);
  item.append(...parts);
  list.prepend(item);
  while (list.childElementCount > 50) list.lastElementChild.remove();
}
