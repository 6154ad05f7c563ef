"""The few rules of style that the theme's settings cannot say."""

from __future__ import annotations

import streamlit as st

from ui.layout import run_style

_RULES = """<style>
/* The bar stays in sight, in the line of Streamlit's own header, whose buttons stay above it. */
[data-testid="stMainBlockContainer"] {padding-top: 0;}
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] {gap: 0.8rem;}
[data-testid="stLayoutWrapper"]:has(> .st-key-top-bar) {position: sticky; top: 0; z-index: 100;}
.st-key-top-bar {
  background: light-dark(#ffffff, #0f1615); border-bottom: 1px solid light-dark(#cfd9d7, #33413e); padding: 0.7rem 0;
}
[data-testid="stHeader"] {background: transparent; height: 3.5rem; z-index: 101;}
[data-testid="stHeader"], [data-testid="stHeader"] * {pointer-events: none;}
[data-testid="stHeader"] :is(button, a), [data-testid="stHeader"] :is(button, a) * {pointer-events: auto;}
/* The switch makes room for Streamlit's button that opens the sidebar, while that is shut. */
.stApp:has([data-testid="stExpandSidebarButton"]) .st-key-top-bar {padding-left: 2.2rem;}
.st-key-top-bar h1 {font-size: 1.07rem; padding: 0; white-space: nowrap;}
.st-key-top-bar [data-testid="stButtonGroup"] button {max-width: 14rem;}
.st-key-top-bar [data-testid="stButtonGroup"] p {overflow: hidden; text-overflow: ellipsis; white-space: nowrap;}
.st-key-destination, .st-key-destination p {font-size: 0.87rem; color: light-dark(#4f5f5c, #a9b8b5);}
@media (max-width: 640px) {
  .st-key-top-bar [data-testid="stElementContainer"]:has(h1) {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
  .st-key-top-bar [data-testid="stButtonGroup"] button {max-width: 8.5rem; padding-inline: 0.6rem;}
}
/* A place: its heading, then what is in it. */
[class*="st-key-place-"] h2 {font-size: 1.33rem; padding: 0.3rem 0;}
[class*="st-key-place-"] h3 {font-size: 1.07rem; padding: 0.3rem 0;}
.st-key-monitor {gap: 0.7rem;}
/* A run under way is two lines: its name with its facts, and its bar. */
[class*="st-key-run-card-"] {padding: 0.55rem 0.9rem;}
[class*="st-key-run-card-"] button {min-height: 1.9rem; padding-block: 0.1rem;}
[class*="st-key-run-card-"] [data-testid="stProgress"] {margin-block: -0.2rem;}
[class*="st-key-fold-"] {border-top: 1px solid light-dark(#cfd9d7, #33413e); padding-top: 0.7rem;}
[class*="st-key-fold-"] h2 {font-size: 1rem; padding: 0; min-width: 4.8rem;}
[class*="st-key-fold-"] button {min-height: 1.9rem; padding-block: 0.1rem;}
/* The sidebar begins where the bar does. */
[data-testid="stSidebarHeader"] {height: 0.9rem; min-height: 0; padding: 0; margin: 0;}
[data-testid="stSidebarHeader"] > * {position: absolute; top: 0.6rem; right: 0.6rem; z-index: 1;}
[data-testid="stSidebarUserContent"] {padding-top: 0;}
[data-testid="stSidebarUserContent"] h2 {font-size: 1.2rem; padding-top: 0.2rem;}
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] {gap: 0.75rem;}
/* An example of a result: how many rows of which kind. */
.gbr-shares {display: flex; gap: 2px; height: 0.5rem; margin-top: 0.6rem; border-radius: 0.25rem; overflow: hidden;}
.gbr-shares i {min-width: 0.35rem; background: light-dark(#0b6e69, #3fb8ae);}
.gbr-shares .gbr-again {background: light-dark(#b45309, #f0a04b);}
.gbr-shares .gbr-decide {background: light-dark(#5b4bb5, #a49bf0);}
.gbr-shares .gbr-lost {background: light-dark(#a8323f, #ef8a95);}
/* What works unseen takes no room. */
.st-key-browser-actions-first, .st-key-browser-actions-last, .st-key-preferences, .st-key-style,
[class*="st-key-address-"] {
  position: absolute; width: 1px; height: 1px; overflow: hidden; visibility: hidden;
}
[data-testid="stLayoutWrapper"]:has(> .st-key-browser-actions-first),
[data-testid="stLayoutWrapper"]:has(> [class*="st-key-address-"]) {position: absolute;}
/* A chosen segment is written in the primary colour, which is too dim on a dark page. */
[data-testid="stButtonGroup"] [data-selected="true"] :is(p, span) {color: light-dark(#0b6e69, #5fd0c6);}
/* So is a button that is not filled, while it is pointed at. */
button:is([kind="tertiary"], [kind="secondary"], [data-variant]):is(:hover, :focus, :active):enabled p {
  color: light-dark(#0b6e69, #5fd0c6);
}
/* Four modes fit the sidebar in one line. */
.st-key-context button {padding-inline: 0.45rem;}
/* The way forward is filled only while there is something to send; it stays, because a click on it also ends typing. */
.st-key-submit:not(:has(.st-key-checked .st-key-ready)) .st-key-sending button[kind="primary"]:enabled {
  background: transparent; color: inherit; border-color: light-dark(#84918e, #7d8b88);
}
/* A table's own search would look at the visible page only. */
[data-testid="stElementToolbarButton"]:has([aria-label^="Search"]) {display: none;}
/* Two answers side by side: the text as it is, what differs marked. */
.gbr-pair {
  white-space: pre-wrap; overflow-wrap: anywhere; max-height: 26rem; overflow: auto; padding: 0.6rem 0.75rem;
  border-radius: 0.5rem; background: light-dark(#f1f5f4, #1a2422); font-size: 0.875rem;
}
.gbr-pair del, .gbr-pair ins {text-decoration: underline; text-underline-offset: 0.2em; border-radius: 0.2rem;}
.gbr-pair del {background: light-dark(#fbdcd2, #6b2a1c);}
.gbr-pair ins {background: light-dark(#c9efdc, #14523f);}
/* Tiles: pictures, or a sign and a reason in their place. */
ul.gbr-tiles.gbr-tiles {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(128px, 46%), 1fr)); gap: 0.65rem; margin: 0;
  padding: 0; list-style: none;
}
ul.gbr-tiles.gbr-tiles li {margin: 0; padding: 0; min-width: 0;}
.gbr-tile {
  border: 1px solid light-dark(#cfd9d7, #33413e); border-radius: 0.5rem; overflow: hidden; min-width: 0; height: 100%;
}
/* A quiet way out beside each problem, told from its words by its colour. */
.st-key-pile-problems button[kind="tertiary"] p {color: light-dark(#0b6e69, #5fd0c6);}
.gbr-tile-picture {
  position: relative; aspect-ratio: 3 / 2; display: flex; flex-direction: column; align-items: center;
  justify-content: center; gap: 0.3rem; padding: 0.5rem; text-align: center; background: light-dark(#e8ebe9, #222c2a);
  color: light-dark(#4f5f5c, #a9b8b5);
}
.gbr-tile-picture img {position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain;}
.st-key-row-files .gbr-tile-picture {aspect-ratio: 4 / 5; max-height: 16rem; width: 100%;}
.gbr-tile-name {
  padding: 0.35rem 0.55rem 0; font-size: 0.9rem; white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
}
.gbr-tile-words {padding: 0 0.55rem 0.4rem; font-size: 0.87rem; color: light-dark(#4f5f5c, #a9b8b5);}
.gbr-tile-reason {font-size: 0.87rem; overflow-wrap: anywhere;}
.gbr-icon {font-family: "Material Symbols Rounded"; font-size: 1.5rem; line-height: 1;}
img.gbr-large.gbr-large {
  display: block; width: auto; height: auto; max-width: 100%; max-height: 65vh; margin: 0 auto; border-radius: 0.5rem;
}
/* A tile in the gallery: the frame is the whole card's. */
[class*="st-key-tile-"] {padding: 0 0 0.25rem; overflow: hidden;}
[class*="st-key-tile-"] .gbr-tile {border: 0; border-radius: 0;}
[class*="st-key-tile-"] [data-testid="stHorizontalBlock"] {padding: 0 0.6rem;}
[class*="st-key-picture-"] {min-width: 0;}
[class*="st-key-picture-"] button, [class*="st-key-picture-"] button > div {justify-content: flex-start;}
.gbr-link {color: light-dark(#0b6e69, #5fd0c6); display: inline-block; margin-top: 0.5rem;}
.gbr-tile-badge {
  position: absolute; top: 0.35rem; right: 0.35rem; padding: 0 0.45rem; border-radius: 1rem; font-size: 0.8rem;
  background: light-dark(#ffffff, #0f1615); color: light-dark(#0a1210, #e7eeec);
}
.gbr-tone-again .gbr-tile-picture {background: light-dark(#fdeeda, #42290f); color: light-dark(#7c3a06, #ffd3a1);}
.gbr-tone-decide .gbr-tile-picture {background: light-dark(#ece9fb, #2b2758); color: light-dark(#3f3391, #d3cdff);}
.gbr-tone-lost .gbr-tile-picture {background: light-dark(#fbe3e4, #4b1f25); color: light-dark(#7d1f2b, #ffc4ca);}
.gbr-tone-again .gbr-tile-words {color: light-dark(#7c3a06, #ffd3a1); font-weight: 600;}
.gbr-tone-decide .gbr-tile-words {color: light-dark(#3f3391, #d3cdff); font-weight: 600;}
.gbr-tone-lost .gbr-tile-words {color: light-dark(#7d1f2b, #ffc4ca); font-weight: 600;}
/* Runs side by side stand close, so that an eye finds the way from a number to its name. */
.st-key-runs-comparison .gbr-grid {width: fit-content;}
.st-key-runs-comparison .gbr-grid :is(th, td) {min-width: 9rem;}
@media (max-width: 640px) {
  .st-key-runs-comparison .gbr-grid :is(th, td) {min-width: 0; padding-inline: 0.4rem; font-size: 0.87rem;}
  .st-key-runs-comparison .gbr-grid th {max-width: 7rem; white-space: normal; overflow-wrap: anywhere;}
}
/* What a dialog lies on steps back in the dark, too. */
.stDialog {background: light-dark(#0a121059, #000000a6);}
/* What ended meanwhile is one quiet line. */
.st-key-away {
  border-left: 3px solid light-dark(#5b4bb5, #a49bf0); background: light-dark(#f1f5f4, #1a2422);
  padding: 0.35rem 0.75rem; border-radius: 0 0.5rem 0.5rem 0;
}
/* With runs ticked, the line above their table stands out; its height stays. */
.st-key-runs-bar {min-height: 2.9rem; padding: 0.2rem 0.6rem; border-radius: 0.5rem;}
@media (max-width: 640px) {.st-key-runs-bar {min-height: 6.7rem;}}
.st-key-runs-bar:has(button) {background: light-dark(#dcebe9, #17332f);}
/* Tables need room. */
[data-testid="stMainBlockContainer"] {padding-inline: clamp(1rem, 2.5vw, 2rem);}
/* The price stays in sight above the end of the page, while the composer is. */
[data-testid="stLayoutWrapper"]:has(> .st-key-sending):has(.gbr-price) {position: sticky; bottom: 0.5rem; z-index: 90;}
.st-key-sending {background: light-dark(#ffffff, #0f1615); box-shadow: 0 0 0.8rem light-dark(#0a121022, #00000066);}
.gbr-price {display: flex; flex-wrap: wrap; gap: 0.1rem 1.2rem; align-items: center;}
.gbr-price > div {display: flex; flex-direction: column;}
.gbr-price strong {
  font-size: 1.5rem; font-weight: 650; line-height: 1.25; white-space: nowrap; font-variant-numeric: tabular-nums;
}
.gbr-price span {font-size: 0.87rem; color: light-dark(#4f5f5c, #a9b8b5);}
@media (max-width: 640px) {
  .gbr-price > div:last-child {display: none;}
  .gbr-price > div {flex-direction: row; flex-wrap: wrap; align-items: baseline; column-gap: 0.6rem;}
  .gbr-price strong {font-size: 1.25rem;}
  .st-key-sending {padding: 0.5rem 0.75rem;}
  .st-key-sending [data-testid="stLayoutWrapper"]:has(> .st-key-price) {flex: 1 0 100%;}
}
/* Fingers: what can be touched is 44 px high, and what does not fit a line wraps instead of hiding. */
@media (max-width: 640px) {
  .stApp :is(button, summary, input, [role="radio"]):where(
    :not([aria-label^="Help"]):not([data-testid*="lementToolbar"]):not([type="checkbox"])
  ) {min-height: 44px;}
  .stApp [data-testid="stPagination"] button {min-width: 36px;}
  .stApp [data-testid="stTextInputRootElement"], .stApp [data-baseweb="select"] > div {min-height: 44px; height: auto;}
  .stApp [data-testid="stMain"] [data-testid="stButtonGroup"] > :is([role="toolbar"], [role="radiogroup"]) {
    flex-wrap: wrap; row-gap: 0.3rem;
  }
  .stApp .st-key-top-bar [data-testid="stButtonGroup"] > [role="radiogroup"] {flex-wrap: nowrap;}
  .st-key-rows-tools > [data-testid="stElementContainer"]:has([data-testid="stTextInput"]) {flex: 1 0 100%;}
  .st-key-runs-filters > [data-testid="stElementContainer"]:has([data-testid="stTextInput"]) {flex: 1 0 45%;}
}
/* A few rows of a table, answers tinted at their right. */
.gbr-grid {overflow-x: auto; border: 1px solid light-dark(#cfd9d7, #33413e); border-radius: 0.5rem; max-width: 100%;}
.gbr-grid table {border-collapse: collapse; width: 100%; margin: 0; font-variant-numeric: tabular-nums;}
.gbr-grid caption {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);}
.gbr-grid th, .gbr-grid td {
  border: 0; border-right: 1px solid light-dark(#cfd9d7, #33413e); padding: 0.35rem 0.6rem; text-align: left;
  font-size: 0.9rem; max-width: 26rem; white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
}
.gbr-grid th:last-child, .gbr-grid td:last-child {border-right: 0;}
.gbr-grid td {border-top: 1px solid light-dark(#cfd9d7, #33413e);}
.gbr-grid th {background: light-dark(#f1f5f4, #1a2422); font-weight: 600; vertical-align: top;}
.gbr-grid th small {display: block; font-size: 0.87rem; font-weight: 400; color: light-dark(#4f5f5c, #a9b8b5);}
.gbr-grid:has(.answer) td:not(.answer) {max-width: 15rem;}
.gbr-grid .number {text-align: right;}
.gbr-grid .quiet {color: light-dark(#4f5f5c, #a9b8b5);}
.gbr-grid th.answer {background: light-dark(#d5ebe9, #14403c);}
.gbr-grid td.answer {background: light-dark(#edf7f6, #132b29);}
/* How an instruction reads, with the row's own values marked. */
.gbr-reads, .gbr-reads p {font-size: 0.9rem;}
.gbr-reads {overflow-wrap: anywhere; white-space: pre-wrap; max-height: 16rem; overflow-y: auto;}
.gbr-reads p {margin: 0 0 0.4rem;}
.gbr-reads mark {
  background: light-dark(#d5ebe9, #14403c); color: inherit; padding: 0 0.25rem; border-radius: 0.25rem;
}
.gbr-reads mark.empty {background: light-dark(#fdeeda, #42290f); color: light-dark(#7c3a06, #ffd3a1);}
.gbr-reads summary {cursor: pointer; color: light-dark(#4f5f5c, #a9b8b5);}
</style>"""


def draw() -> None:
    """Add the rules to the page.

    The empty element makes Streamlit put them among the page's elements: rules alone go where dialogs go, and an open
    dialog would take their place (seen with 1.67).
    """
    with st.container(key="style"):
        rules = _RULES.replace("</style>", f"{run_style.RULES}</style>")
        st.html(f"{rules}<span></span>")
