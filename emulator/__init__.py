"""A local Gemini API for rehearsals and tests: `python -m emulator`. Knows nothing of the rest of this repository.

It speaks the wire of the Gemini Developer API as Google's own clients do: files, cached contents, batch jobs, models,
counting, generating and embedding, under /v1, /v1beta and /v1alpha over one state. Whatever Google does not have is
under /_emulator. The contract, for users, is in docs/emulator.md.

What it does not imitate
- Language: answers are made of stock phrases and say that they are simulated. Embeddings know words, no meaning.
  Pictures are a colour with words on it, a quarter of the real size each way. Sound is silent.
- Tokenizing: counts follow a rule by script, not Gemini's tokenizer; expect them within a third of it.
- Interactive rate limits (RPM, TPM, RPD), tiers beyond free and paid, and quota that stays held after a
  cancel, which users report.
- Real duration and queueing: a job's time is set, its rows are spread evenly over it.
- Tools: declared functions are not called unless a prompt asks for it; search, maps, code and URLs are not run.
- Webhooks (accepted, never called), tuned models (none), corpora, file search, Live, Interactions, Veo, Imagen.
- Uploads other than resumable ones; `fields` and other general query parameters.
- All faults of a request at once: the first unknown field is named, the service lists several.
- Content safety: nothing is blocked unless a prompt asks for it.
- The Vertex AI dialect.
- A memory for names chosen twice: a file that takes a deleted file's name takes its place in the ledger too.

What it assumes, and on what ground
- A missing batch job is 404, a repeated file name 409, downloading an upload 400: clients' tests; not known.
- sha256Hash is base64 of the hexadecimal digest: recorded files.
- A line that is not a JSON object fails the whole job with code 3 when it starts; a line with an unknown field fails
  alone: inspect_ai issue 3273 for the second, not known for the first.
- A cancel is as dgml measured it six times (2026-09-30); the text of its error 13 and that cancelling what has ended is
  no error are not known.
- A deleted input file does not stop a job that has begun: not known.
- A partial success leaves every third row out: Vertex has the state, the Developer API was not seen to use it.
- An expired job has the error code 4, a failed one 13: by google.rpc.Code; not known.
- Rows with neither response nor error, and rows that never come back, count as failed and are not billed: not known.
- Result files live six weeks, can be read, and cannot be deleted: the Batch guide; python-genai issue 1759.
- A download honours `Range`: not known; nothing depends on it but going on after a break.
- Listing is newest first; a page token names the last thing shown, and one that is none is 400: not known.
- Cached tokens do not count towards enqueued tokens: not known.
- Implicit caching works by blocks of 2,048 characters and a rate, and is off by default because most
  accounts that measured it in batches saw no hits.
- Media weigh what the guide to media resolution says for 3.x (a picture 1,120 whatever its size; a PDF page 520, as
  users measured, not 560), and 258 a tile or page on 2.5. Sizes of pictures are read, lengths of video are guessed.
- Thinking takes 16 to 316 tokens (up to 716 at HIGH) and at most half of maxOutputTokens: made up.
- Storage of a cache is billed from its creation to its end, by the second: js-genai issue 508.
- Thinking levels of models whose list is not known are all taken; a schema with too many states for serving is taken,
  because its bound is not known; a cache's functions are not held against JSON in the request that uses it.
- Signatures are asked of the first call of each step since the user last spoke: the guide to thought signatures.
- The words for a first turn of the model, an undeclared choice, a resolution of a part and a size of picture are ours.
- Inline results of 100 rows or more come in any order; how many rows it takes is not known (96 of 200 in one report).
- Media wait for processing two seconds at the pace `realistic`; PDFs do not (recorded), but by the setting.
- What an ended job's row says of a file that is dead, another project's or not ACTIVE is what an interactive call says
  (code 7 or 9, at no charge), as rows whose cache died do: not known of files. A FAILED file's `error` is ours.
- Interim pictures come from the Pro image model, up to two by the prompt, and cost nothing: the guide for their
  number. 300 to 399 tokens beside a picture are seen by nobody, as measured in October 2026 (414 to 482 in all).
- A refused picture costs its prompt alone; one ledger books NO_IMAGE as billed text.
- Task types and titles are refused by embedding-2, whose guide says they are not supported; the words are ours. An
  input of an embedding that is too long is cut: not known.
- gs:// addresses are taken for embeddings only: Google's own tests.
- A body may have single quotes, bare names and commas before a closing bracket: the guides' curl examples for the
  first, not known for the others. A line of a file may not: not known.
- All rows are checked by the same table of fields as interactive requests: not known.
"""
