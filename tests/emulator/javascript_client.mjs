// The JavaScript client's part of the emulator's tests: prints one JSON object of what it saw.
import { readFileSync, writeFileSync } from "node:fs";
import { GoogleGenAI } from "@google/genai";

const [baseUrl, folder] = process.argv.slice(2);
const ai = new GoogleGenAI({ apiKey: "js-key", httpOptions: { baseUrl } });
const model = "gemini-2.5-flash";
const saw = {};
const content = (text) => [{ role: "user", parts: [{ text }] }];
const status = async (call) => {
  try {
    await call();
    return 200;
  } catch (error) {
    return [error.status, JSON.parse(error.message).error.status];
  }
};
const turn = () =>
  fetch(`${baseUrl}/_emulator/clock`, { method: "POST", body: JSON.stringify({ advance_seconds: 5 }) });
const count = async (pages) => {
  let n = 0;
  for await (const _ of pages) n += 1;
  return n;
};

const input = `${folder}/input.jsonl`;
const lines = ["k0", "k1", "k2"].map((key) => JSON.stringify({ key, request: { contents: content(key) } }));
writeFileSync(input, lines.join("\n") + "\n");
const config = { mimeType: "application/jsonl", displayName: "rows", name: "my-file" };
const file = await ai.files.upload({ file: input, config });
saw.file = [file.name, file.displayName];
saw.again = await status(() => ai.files.upload({ file: input, config }));

let job = await ai.batches.create({ model, src: file.name, config: { displayName: "d" } });
saw.created = job.state;
await turn();
job = await ai.batches.get({ name: job.name });
saw.finished = job.state;
await ai.files.download({ file: job.dest.fileName, downloadPath: `${folder}/output.jsonl` });
for (let i = 0; i < 100 && !saw.keys?.length; i += 1) {
  await new Promise((done) => setTimeout(done, 20)); // download() returns before the file is written
  try {
    saw.keys = readFileSync(`${folder}/output.jsonl`, "utf8").split("\n").filter(Boolean).map((l) => JSON.parse(l).key);
  } catch {
    saw.keys = [];
  }
}

const src = Array.from({ length: 50 }, (_, i) => ({ contents: content(`row ${i}`), metadata: { key: `m${i}` } }));
let inline = await ai.batches.create({ model, src });
await ai.batches.cancel({ name: inline.name });
saw.cancelled = (await ai.batches.get({ name: inline.name })).state;
await ai.batches.delete({ name: inline.name });
saw.deleted = await status(() => ai.batches.get({ name: inline.name }));
inline = await ai.batches.create({ model, src: src.slice(0, 3) });
await turn();
inline = await ai.batches.get({ name: inline.name });
saw.inline = inline.dest.inlinedResponses.map((r) => [typeof r.response.candidates[0].content.parts[0].text, r.metadata?.key]);
saw.listed = await count(await ai.batches.list({ config: { pageSize: 1 } }));

const cache = await ai.caches.create({ model, config: { contents: "word ".repeat(2000), ttl: "600s" } });
const used = await ai.models.generateContent({ model, contents: "hi", config: { cachedContent: cache.name } });
saw.cached = [cache.usageMetadata.totalTokenCount, used.usageMetadata.cachedContentTokenCount];
await ai.caches.update({ name: cache.name, config: { ttl: "900s" } });
await ai.caches.delete({ name: cache.name });
saw.gone = await status(() => ai.caches.get({ name: cache.name }));

saw.events = await count(await ai.models.generateContentStream({ model, contents: "Tell me a story" }));
saw.tokens = (await ai.models.countTokens({ model, contents: "The quick brown fox jumps over the lazy dog." })).totalTokens;
saw.vectors = (await ai.models.embedContent({ model: "gemini-embedding-001", contents: ["a", "b"] })).embeddings.length;
saw.models = await count(await ai.models.list());
await ai.files.delete({ name: file.name });
console.log(JSON.stringify(saw));
