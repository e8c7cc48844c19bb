// The pictures, small, each with what was proposed and what the reviewer said.

import { address, byId, el } from "./dom.js";

/** Shows pictures; `open` is called with the one that is chosen. */
export function drawGrid(store, pictures, open) {
  byId("nothing").hidden = pictures.length > 0;
  byId("grid").replaceChildren(...pictures.map((picture) => tile(store, picture, open)));
}

function tile(store, picture, open) {
  const button = el(
    "button",
    { type: "button", className: "tile", data: state(store, picture) },
    el("img", { src: address(picture.file_name), alt: "", loading: "lazy" }),
    el("span", { textContent: picture.file_name }),
    el("span", { className: "proposal", textContent: words(store, picture) }),
  );
  button.addEventListener("click", () => open(picture));
  return el("li", {}, button);
}

function state(store, picture) {
  return {
    said: store.mine(picture)?.decision ?? "",
    proposal: picture.score?.proposal ?? "",
  };
}

/** What is proposed for a picture and what the reviewer said, in words. */
export function words(store, picture) {
  const causes = store.dataset.causes;
  const score = picture.score;
  const proposed = score ? (score.cause ? `proposed: ${causes[score.cause]}` : "") : "not measured";
  const mine = store.mine(picture);
  if (!mine) return proposed;
  return mine.decision === "keep" ? "kept" : `rejected: ${causes[mine.cause]}`;
}
