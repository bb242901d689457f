// Uses the `@anthropic-ai/sdk` package as a program would: node messages.mjs WHAT ADDRESS MODULES.
// Prints one JSON line.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [what, baseURL, modules] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { default: Anthropic } = await import(pathToFileURL(require.resolve("@anthropic-ai/sdk")));
const client = new Anthropic({ apiKey: "none-needed", baseURL, maxRetries: 1 });
const ask = { model: "m", max_tokens: 50, messages: [{ role: "user", content: "Say hello." }] };
const input_schema = { type: "object", properties: { title: { type: "string" } } };
const tools = [{ name: "add_book", description: "Adds a book.", input_schema }];

function told(message) {
  const blocks = message.content.map((block) => block.text ?? [block.name, block.input]);
  return { blocks, stop: message.stop_reason, output: message.usage.output_tokens };
}

const talks = {
  async plain() {
    const { data, response } = await client.messages.create(ask).withResponse();
    const [cost, id] = ["x-buildwright-cost-usd", "request-id"].map((n) => response.headers.get(n));
    return { ...told(data), cost, same: id === data._request_id };
  },
  async stream() {
    const stream = client.messages.stream(ask);
    const pieces = [];
    stream.on("text", (piece) => pieces.push(piece));
    return { ...told(await stream.finalMessage()), text: pieces.join("") };
  },
  async events() {
    const kinds = [];
    for await (const event of await client.messages.create({ ...ask, stream: true })) {
      kinds.push(event.type);
    }
    return { kinds: [...new Set(kinds)] };
  },
  async tool() {
    return told(await client.messages.create({ ...ask, tools }));
  },
  async tool_stream() {
    return told(await client.messages.stream({ ...ask, tools }).finalMessage());
  },
  async result() {
    const used = { type: "tool_use", id: "call_1", name: "add_book", input: { title: "Dune" } };
    const result = { type: "tool_result", tool_use_id: "call_1", content: "added" };
    const more = [{ role: "assistant", content: [used] }, { role: "user", content: [result] }];
    return told(await client.messages.create({ ...ask, messages: [...ask.messages, ...more] }));
  },
  async error() {
    try {
      await client.messages.create({ ...ask, model: "nobody/knows" });
    } catch (error) {
      const kind = error instanceof Anthropic.NotFoundError ? "NotFoundError" : error.name;
      return { kind, status: error.status, type: error.error.error.type, id: !!error.requestID };
    }
    return {};
  },
  async mid_stream_error() {
    try {
      await client.messages.stream(ask).finalMessage();
    } catch (error) {
      return { api: error instanceof Anthropic.APIError, message: error.message };
    }
    return {};
  },
  async again() {
    return told(await client.messages.create(ask));
  },
  async abort() {
    const stream = await client.messages.create({ ...ask, stream: true });
    for await (const event of stream) {
      if (event.type === "content_block_delta") {
        stream.controller.abort();
        return { first: event.delta.text };
      }
    }
    return {};
  },
  async count() {
    return await client.messages.countTokens({ model: ask.model, messages: ask.messages });
  },
  async models() {
    const ids = [];
    for await (const model of client.models.list()) {
      ids.push(model.id);
    }
    return { ids };
  },
};

console.log(JSON.stringify(await talks[what]()));
