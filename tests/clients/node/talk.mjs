// Uses the `openai` package as a program would: node talk.mjs WHAT ADDRESS. Prints one JSON line.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [what, baseURL, modules] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { default: OpenAI } = await import(pathToFileURL(require.resolve("openai")));
const client = new OpenAI({ apiKey: "none-needed", baseURL, maxRetries: 1 });
const messages = [{ role: "user", content: "Say hello." }];
const ask = { model: "m", messages, max_tokens: 50 };

const talks = {
  async plain() {
    const { data, response } = await client.chat.completions.create(ask).withResponse();
    return {
      text: data.choices[0].message.content,
      total: data.usage.total_tokens,
      cost: response.headers.get("x-buildwright-cost-usd"),
    };
  },
  async stream() {
    const options = { stream: true, stream_options: { include_usage: true } };
    const stream = await client.chat.completions.create({ ...ask, ...options });
    let text = "";
    let total = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? "";
      total = chunk.usage?.total_tokens ?? total;
    }
    return { text, total };
  },
  async error() {
    try {
      await client.chat.completions.create({ ...ask, model: "nobody/knows" });
    } catch (error) {
      const kind = error instanceof OpenAI.NotFoundError ? "NotFoundError" : error.name;
      return { kind, status: error.status, code: error.code };
    }
    return {};
  },
  async again() {
    const answer = await client.chat.completions.create(ask);
    return { text: answer.choices[0].message.content };
  },
  async abort() {
    const stream = await client.chat.completions.create({ ...ask, stream: true });
    for await (const chunk of stream) {
      stream.controller.abort();
      return { first: chunk.choices[0].delta.content };
    }
    return {};
  },
  async embeddings() {
    const input = ["a", "bbb"];
    const answer = await client.embeddings.create({ model: "m", input, encoding_format: "float" });
    return { firsts: answer.data.map((row) => row.embedding[0]) };
  },
};

console.log(JSON.stringify(await talks[what]()));
