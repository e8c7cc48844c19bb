// The gateway's REST interface: one function a verb. A failed call throws an ApiError.

import { events } from "./sse.js";

const TOKEN = "kith-token";

/** A call that failed, told so that the user knows what to do. */
class ApiError extends Error {
  /**
   * @param {string} message What is wrong, and the next step.
   * @param {{status?: string, reason?: string, field?: string}} facts As the server names them.
   * @param {number} code The HTTP status; 0 when nobody answered.
   */
  constructor(message, facts = {}, code = 0) {
    super(message);
    this.reason = facts.reason ?? facts.code ?? "";
    this.field = facts.field ?? facts.param ?? "";
    this.code = code;
  }
}

let asking = null;
let askForToken = async () => null;

/** Sets how a token is asked for when the server wants one; it resolves to null to give up. */
export function onUnauthorized(ask) {
  askForToken = ask;
}

/** The last part of a resource name: its id. */
export const idOf = (name) => name.slice(name.lastIndexOf("/") + 1);

/** All concepts, the oldest first. */
export async function listConcepts() {
  const concepts = [];
  let token = "";
  do {
    const page = await json(
      "GET",
      `v1/concepts?page_size=1000&page_token=${encodeURIComponent(token)}`,
    );
    concepts.push(...(page.concepts ?? []));
    token = page.next_page_token ?? "";
  } while (token);
  return concepts;
}

export const getConcept = (id) => json("GET", `v1/concepts/${id}`);
/** Remembers a concept; `ready_in` tells after how many seconds it is known that has to be trained. */
export async function remember(concept, views) {
  const response = await send("POST", "v1/concepts", { concept, views, request_id: uuid() });
  const ready_in = response.headers.get("retry-after");
  return { ...(await response.json()), ...(ready_in && { ready_in }) };
}
export const updateConcept = (id, changes) => json("PATCH", `v1/concepts/${id}`, changes);
export const forget = (id) => json("DELETE", `v1/concepts/${id}`);
export const unforget = (id) => json("POST", `v1/concepts/${id}:unforget`, {});
export const addViews = (id, views) =>
  json("POST", `v1/concepts/${id}/views`, { views, request_id: uuid() });
export const removeView = (id, view) => json("DELETE", `v1/concepts/${id}/views/${view}`);
const getCapabilities = () => json("GET", "v1/capabilities");

/** Tells that the region of a photo is not the concept. */
export async function reject(id, photo, box) {
  return json("POST", `v1/concepts/${id}:reject`, {
    photo: await image(photo),
    box,
    request_id: uuid(),
  });
}

/** What is to be seen in a photo: `{regions, accepted}`. */
export async function retrieve(photo) {
  const { retrievals } = await json("POST", "v1/retrieve", { images: [await image(photo)] });
  return { regions: [], accepted: [], ...retrievals?.[0] };
}

/** A photo and a box (or none) as a view to be added. */
export async function newView(photo, box) {
  return { photo: await image(photo), ...(box && { box }) };
}

/** The pieces of an answer as they come; see OpenAI's chat completion chunks. */
export async function* chat(messages, signal) {
  const { method } = await (capabilities ??= getCapabilities().catch((error) => {
    capabilities = null;
    throw error;
  }));
  const response = await send(
    "POST",
    "v1/chat/completions",
    { model: method, messages, stream: true },
    signal,
  );
  for await (const data of events(response)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiError(chunk.error.message, chunk.error, response.status);
    yield chunk;
  }
}
let capabilities = null;

/** The edits of the memory as they are made. */
export async function* watch(signal) {
  for await (const data of events(await send("GET", "v1/watch", undefined, signal))) {
    const edit = JSON.parse(data);
    if (edit.error) throw new ApiError(edit.error.message, edit.error);
    yield edit;
  }
}

/** Shows the photo of a view in `img`; with a token it has to be fetched, an <img> sends none. */
export async function showView(img, name) {
  const [, , , concept, , view] = name.split("/");
  const address = `v1/concepts/${concept}/views/${view}/photo`;
  if (!sessionStorage.getItem(TOKEN)) {
    img.src = address;
    return;
  }
  const blob = await (await send("GET", address)).blob();
  img.src = URL.createObjectURL(blob);
  img.addEventListener("load", () => URL.revokeObjectURL(img.src), { once: true });
}

async function json(method, path, body) {
  return (await send(method, path, body)).json();
}

async function send(method, path, body, signal) {
  const headers = {};
  const token = sessionStorage.getItem(TOKEN);
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const request = { method, headers, body: JSON.stringify(body), signal, cache: "no-cache" };
  const response = await fetch(path, request).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new ApiError(
      `Kith at ${location.host} does not answer. Start it with “kith serve gateway”, or check the network; then try again.`,
    );
  });
  if (response.ok) return response;
  if (response.status === 401 && (await renewToken(token))) return send(method, path, body, signal);
  throw await errorOf(response);
}

/** True when there is a new token to try; callers that fail together ask once. */
async function renewToken(refused) {
  if (sessionStorage.getItem(TOKEN) !== refused) return true;
  asking ??= askForToken(Boolean(refused)).finally(() => (asking = null));
  const given = await asking;
  if (given) sessionStorage.setItem(TOKEN, given);
  return Boolean(given);
}

async function errorOf(response) {
  const { error } = await response.json().catch(() => ({}));
  const message =
    error?.message ??
    `The server answered ${response.status} ${response.statusText}. Try again in a moment.`;
  return new ApiError(message, error, response.status);
}

const image = async (photo) => ({ data: await photo.base64() });

/** crypto.randomUUID is missing where the page comes over plain HTTP from another machine. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
