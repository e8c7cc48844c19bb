// The chat: sends the whole conversation for each answer, and shows it as it streams.

import { chat, idOf } from "./api.js";
import { readBox } from "./boxes.js";
import { startComposer } from "./composer.js";
import { atEnd, byId, show, toEnd } from "./dom.js";
import { store } from "./store.js";
import { Answer, Question } from "./turns.js";

let turns = [];
let running = null; // the AbortController of the answer that streams

/** Makes the chat work. */
export function startChat() {
  startComposer(({ text, photos }) => {
    if (running) return false;
    ask(new Question(text, photos, correct));
    return true;
  });
  byId("stop").addEventListener("click", () => running?.abort());
  byId("new-chat").addEventListener("click", () => {
    running?.abort();
    turns = [];
    byId("thread").replaceChildren();
    draw();
    byId("question").focus();
  });
  store.addEventListener("change", () => {
    for (const turn of turns) turn.overlays?.forEach((overlay) => overlay.follow());
  });
}

function ask(question) {
  turns.push(question);
  byId("thread").append(question.root);
  answer(question);
}

async function answer(question) {
  const reply = new Answer(question, () => again(question, reply));
  byId("thread").append(reply.root);
  running = new AbortController();
  draw();
  toEnd();
  try {
    const { signal } = running;
    let rest = {}; // what comes with the last piece
    for await (const chunk of chat(
      await Promise.all(turns.map((turn) => turn.message())),
      signal,
    )) {
      const piece = chunk.choices?.[0]?.delta?.content;
      if (piece) atEnd(() => reply.add(piece));
      if (chunk.kith) rest = chunk.kith;
    }
    drawFound(rest.concepts ?? []);
    atEnd(() => reply.end(rest));
    turns.push(reply);
  } catch (error) {
    if (error.name === "AbortError") {
      reply.end({ stopped: true });
      if (reply.text && turns.includes(question)) turns.push(reply); // else the chat is a new one
    } else {
      console.warn("answer:", error);
      reply.fail(error);
    }
  }
  running = null;
  draw();
}

/** After a correction no earlier answer is sent as what was said. */
function correct() {
  for (const turn of turns) turn.corrected = true;
}

/** Asks the same question once more, with the memory as it is now. */
function again(question, reply) {
  if (running) return;
  turns = turns.slice(0, turns.indexOf(question) + 1);
  while (question.root.nextSibling) question.root.nextSibling.remove();
  question.photos.forEach((_, index) => question.look(index));
  answer(question);
}

/** Boxes that the answer tells of, on photos for which retrieving alone found none. */
function drawFound(concepts) {
  const overlays = turns.flatMap((turn) => turn.overlays ?? []);
  overlays.forEach((overlay, index) => {
    const here = concepts.filter((used) => used.box && (used.image_index ?? 0) === index);
    if (here.length && !overlay.root.querySelector(".found:not(.unknown)")) {
      overlay.draw({ accepted: here.map((used) => ({ ...used, box: readBox(used.box) })) });
    }
  });
}

function draw() {
  const empty = !byId("thread").children.length;
  show(empty, byId("hello"));
  show(!empty, byId("new-chat"));
  show(running !== null, byId("stop"));
  show(running === null, byId("send"));
}
