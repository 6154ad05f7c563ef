"""The place where files are dropped or chosen: any number, and folders, sent to the server's disk one by one."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.shared.app_state import FILE_NAME_HEADER, OWN_HEADER

_HTML = """
<div class="zone">
  <p class="title"></p>
  <p class="hint"></p>
  <div class="choices">
    <label class="pick files"><input type="file" multiple><span></span></label>
    <label class="pick folder"><input type="file" webkitdirectory multiple><span></span></label>
    <button class="pick paste" type="button"></button>
    <button class="pick stop" type="button" hidden>Stop</button>
  </div>
  <p class="status" aria-hidden="true"></p>
  <p class="spoken" role="status" aria-live="polite"></p>
  <progress max="1" value="0" aria-label="Upload" hidden></progress>
</div>
"""
_CSS = """
:host {color: var(--st-text-color); font-family: var(--st-font); font-size: 0.95rem;}
p {margin: 0;}
.zone {display: flex; flex-direction: column; align-items: center; gap: 0.55rem; text-align: center;}
.zone.wide {border: 1px dashed light-dark(#84918e, #7d8b88); border-radius: 0.5rem; padding: 1.4rem 1rem;
  background: var(--st-secondary-background-color);}
.zone.over {border-color: var(--st-primary-color); border-style: solid;}
.zone.small {align-items: flex-start; gap: 0.3rem;}
.title {font-weight: 600;}
.small .title, .small .hint {display: none;}
.hint {font-size: 0.87rem; color: light-dark(#4f5f5c, #a9b8b5);}
.choices {display: flex; flex-wrap: wrap; gap: 0.5rem; justify-content: center;}
.pick {position: relative; padding: 0.4rem 0.9rem; border: 1px solid var(--st-border-color); font: inherit;
  border-radius: var(--st-button-radius); background: var(--st-background-color); color: inherit; cursor: pointer;
  font-size: 0.875rem; line-height: 1.6;}
.pick[hidden] {display: none;}
.pick:hover, .pick:focus-within, .pick:focus-visible {border-color: var(--st-primary-color);
  color: var(--st-link-color);}
.pick:focus-within, .pick:focus-visible {outline: 2px solid var(--st-primary-color); outline-offset: 1px;}
.pick input {position: absolute; inset: 0; opacity: 0; width: 100%; height: 100%; cursor: pointer;}
.pick input::file-selector-button {cursor: pointer;}
.busy .files, .busy .folder, .busy .paste {display: none;}
.status:empty {display: none;}
.spoken {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);}
progress {width: 100%; max-width: 30rem; accent-color: var(--st-primary-color);}
@media (max-width: 640px) {.pick {padding-block: 0.65rem;}}
"""
_SCRIPT = """
const PARALLEL = 3
const CLUTTER = /^(\\.|__MACOSX$|thumbs\\.db$|desktop\\.ini$)/i
const isClutter = (path) => path.split('/').some((part) => CLUTTER.test(part))

// A file that is dropped beside the zone would else be opened in the place of the page.
const keepPage = (event) => { if (event.dataTransfer?.types.includes('Files')) event.preventDefault() }
for (const name of ['dragover', 'drop']) {
  window.removeEventListener(name, window.gbrKeepPage)
  window.addEventListener(name, keepPage)
}
window.gbrKeepPage = keepPage

const filesOfEntry = (entry, prefix) => new Promise((resolve) => {
  if (entry.isFile) return entry.file((file) => resolve([{file, path: prefix + entry.name}]), () => resolve([]))
  const reader = entry.createReader()
  const found = []
  const readMore = () => reader.readEntries(async (entries) => {
    if (!entries.length) return resolve(found)
    for (const inner of entries) found.push(...await filesOfEntry(inner, prefix + entry.name + '/'))
    readMore()
  }, () => resolve(found))
  readMore()
})

const filesOfDrop = async (transfer) => {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean)
  if (!entries.length) return [...transfer.files].map((file) => ({file, path: file.name}))
  return (await Promise.all(entries.map((entry) => filesOfEntry(entry, '')))).flat()
}

export default function (component) {
  const {parentElement, data, setTriggerValue} = component
  const find = (selector) => parentElement.querySelector(selector)
  const zone = find('.zone'), stop = find('.stop'), paste = find('.paste')
  const inputs = [...parentElement.querySelectorAll('input')]
  zone.classList.toggle('wide', !data.small)
  zone.classList.toggle('small', data.small)
  find('.title').textContent = data.small ? '' : data.title
  find('.hint').textContent = data.small ? '' : data.hint
  find('.files span').textContent = data.labels.files
  find('.folder span').textContent = data.labels.folder
  paste.textContent = data.labels.paste
  paste.hidden = !data.labels.paste
  // Kept by the window: what is under way goes on when the form changes and the zone is drawn in another place.
  const uploads = (window.gbrUploads ??= {})
  const upload = (uploads[data.small ? 'add' : 'first'] ??= {token: '', busy: false})
  upload.token = data.token
  upload.tell = setTriggerValue
  upload.find = find
  zone.classList.toggle('busy', upload.busy)
  stop.hidden = !upload.busy

  const show = (words, share) => {
    const status = upload.find('.status'), spoken = upload.find('.spoken'), bar = upload.find('progress')
    status.textContent = words
    bar.hidden = share === undefined
    bar.value = share ?? 0
    const step = share === undefined ? words : Math.floor(share * 10)
    if (step !== upload.step) spoken.textContent = words
    upload.step = step
  }

  const send = (item, onProgress) => new Promise((resolve) => {
    const call = new XMLHttpRequest()
    upload.calls.add(call)
    const end = (message) => { upload.calls.delete(call); resolve(message) }
    call.open('PUT', '/api/upload/' + upload.token)
    call.setRequestHeader('OWN_HEADER', '1')
    call.setRequestHeader('FILE_NAME_HEADER', encodeURIComponent(item.path.toWellFormed?.() ?? item.path))
    call.upload.onprogress = (event) => onProgress(event.loaded)
    call.onerror = () => end('The connection broke, or the file cannot be read. Choose it again.')
    call.onabort = () => end('')
    call.onload = () => {
      if (call.status === 200) return end(null)
      let message = 'The server refused the file.'
      try { message = JSON.parse(call.responseText).message ?? message } catch {}
      end(message)
    }
    call.send(item.file)
  })

  const sendAll = async (items) => {
    const wanted = items.filter((item) => !isClutter(item.path))
    if (!wanted.length || upload.busy) return
    if (!upload.token) {  // they wait here until the server has let this visitor in
      upload.held = wanted
      show('Starting a rehearsal…')
      return upload.tell('uninvited', true)
    }
    const total = wanted.reduce((sum, item) => sum + item.file.size, 0) || 1
    const failed = [], loaded = new Map(), queue = [...wanted]
    let stored = 0
    Object.assign(upload, {busy: true, stopped: false, calls: new Set()})
    const showBusy = () => {
      upload.find('.zone').classList.toggle('busy', upload.busy)
      upload.find('.stop').hidden = !upload.busy
    }
    showBusy()
    const showProgress = () => {
      const share = Math.min(1, [...loaded.values()].reduce((sum, bytes) => sum + bytes, 0) / total)
      const percent = Math.floor(share * 100) + ' %'
      const what = wanted.length === 1 ? wanted[0].path.split('/').at(-1) : `${stored} of ${wanted.length} files`
      show(`Uploading ${what}: ${percent}`, share)
    }
    showProgress()
    const work = async () => {
      while (queue.length && !upload.stopped) {
        const item = queue.shift()
        const message = await send(item, (bytes) => { loaded.set(item, bytes); showProgress() })
        if (message === null) { stored += 1; loaded.set(item, item.file.size) }
        else if (message) failed.push([item.path, message])
        showProgress()
      }
    }
    await Promise.all(Array.from({length: PARALLEL}, work))
    upload.busy = false
    showBusy()
    show('')
    for (const input of inputs) input.value = ''
    upload.tell('done', {stored, failed: failed.slice(0, 100), stopped: upload.stopped})
  }

  for (const input of inputs) {
    input.onchange = () => sendAll([...input.files].map((file) => ({file, path: file.webkitRelativePath || file.name})))
  }
  zone.ondragover = (event) => { event.preventDefault(); zone.classList.add('over') }
  zone.ondragleave = () => zone.classList.remove('over')
  zone.ondrop = async (event) => {
    event.preventDefault()
    zone.classList.remove('over')
    sendAll(await filesOfDrop(event.dataTransfer))
  }
  if (upload.held) {
    const held = upload.held
    upload.held = null
    if (upload.token) sendAll(held)
    else show('')
  }
  paste.onclick = () => setTriggerValue('paste', true)
  stop.onclick = () => {
    upload.stopped = true
    for (const call of upload.calls) call.abort()
  }
}
""".replace("OWN_HEADER", OWN_HEADER).replace("FILE_NAME_HEADER", FILE_NAME_HEADER)

_component = st.components.v2.component("drop-zone", html=_HTML, css=_CSS, js=_SCRIPT)
TITLE = "Drop a table, documents, pictures or requests here"
HINT = "CSV, Excel, Parquet, JSON, JSONL · PDF, scans, pictures, recordings, ZIP · any size"


def draw(
    key: str,
    token: str,
    on_done: Callable[[], None],
    on_uninvited: Callable[[], None],
    *,
    small: bool,
    on_paste: Callable[[], None] | None = None,
) -> None:
    """Draw it; `token` stands for the folder that takes the files. `small`: two buttons beside what is there already.

    What came of it is `outcome(key)` in `on_done`. Without a token `on_uninvited` is called when files are given, and
    they are sent if the next run brings one. With `on_paste` there is a third button, for a table.
    """
    labels = {
        "files": "Add files" if small else "Choose files",
        "folder": "Add a folder" if small else "Choose a folder",
    }
    _component(
        data={
            "token": token,
            "small": small,
            "title": TITLE,
            "hint": HINT,
            "labels": {**labels, "paste": "Paste a table" if on_paste else ""},
        },
        key=key,
        on_done_change=on_done,
        on_uninvited_change=on_uninvited,
        on_paste_change=on_paste or _ignore,
    )


def outcome(key: str) -> tuple[int, list[tuple[str, str]]]:
    """How many files arrived, and the others with the reason of each."""
    done = getattr(st.session_state.get(key), "done", None) or {}
    failed = [(str(name), str(reason)) for name, reason in done.get("failed", ())]
    return int(done.get("stored", 0)), failed


def _ignore() -> None:
    """Nothing to do."""
