// Server-sent events of a fetch response: EventSource can neither send a token nor a body.

/**
 * The events of a stream, until it ends.
 * @param {Response} response
 * @returns {AsyncGenerator<{event: string, data: string, id: string}>}
 */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parse(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // a stream that broke has nothing left to cancel
  }
}

/** One event, or null for a comment that only keeps the line open. */
function parse(block) {
  const event = { event: "message", data: "", id: "" };
  const data = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "data") data.push(value);
    else if (field in event) event[field] = value;
  }
  if (!data.length) return null;
  return { ...event, data: data.join("\n") };
}
