"""The rules of style of the run that is open: its head, its bar, and its table beside a row."""

from __future__ import annotations

RULES = """
/* Told to who does not see the page. */
.gbr-unseen {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); margin: 0;}
/* All rows as one bar. */
.gbr-bar {display: flex; gap: 2px; height: 0.65rem; border-radius: 0.33rem; overflow: hidden;}
/* The head: the place is named quietly, the run in the size of a title. */
.st-key-run-title h2 {font-size: 1.25rem; padding: 0;}
.st-key-run-title [data-testid="stMarkdownContainer"] strong {font-size: 1.13rem; font-weight: 650;}
.st-key-run-title [data-testid="stPopover"] button {padding-inline: 0.3rem; min-height: 1.9rem;}
.st-key-run-title h2 [data-testid="stHeaderActionElements"] {display: none;}
.st-key-run-head [data-testid="stCaptionContainer"] {margin-block: -0.2rem;}
/* What the grid's own tools do stands above it: they would lie over that. */
.st-key-rows-table [data-testid="stElementToolbar"] {display: none;}
/* The table, and beside it the row that is open; narrow pages have one above the other. */
[data-testid="stLayoutWrapper"]:has(> .st-key-rows-table) {flex: 3 1 30rem; min-width: min(100%, 24rem);}
[data-testid="stLayoutWrapper"]:has(> .st-key-row-beside) {flex: 2 1 20rem; min-width: min(100%, 18rem);}
.st-key-row-detail {max-height: 30rem; overflow-y: auto; padding: 0.75rem;}
.st-key-row-detail button {min-height: 1.9rem; padding-block: 0.1rem;}
/* Signs that need no words beside them; their words are there for who hears the page. */
:is(
  .st-key-previous-row, .st-key-next-row, .st-key-close-row, [class*="st-key-run-menu-"],
  .st-key-run-title [data-testid="stPopover"]
) button [data-testid="stMarkdownContainer"]:has(> p) {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
}
/* One sign is enough: no arrow beside the pencil and the dots. */
:is([class*="st-key-run-menu-"], .st-key-run-title [data-testid="stPopover"]) button div[aria-hidden="true"] {
  display: none;
}
/* What is only heard takes no room. */
.st-key-run-head [data-testid="stElementContainer"]:has(.gbr-unseen) {position: absolute;}
.gbr-fields {border: 1px solid light-dark(#cfd9d7, #33413e); border-radius: 0.5rem; overflow: hidden;}
.gbr-fields table {border-collapse: collapse; width: 100%; margin: 0; font-variant-numeric: tabular-nums;}
.gbr-fields caption {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);}
.gbr-fields th, .gbr-fields td {
  border: 0; border-top: 1px solid light-dark(#cfd9d7, #33413e); padding: 0.35rem 0.6rem; text-align: left;
  font-size: 0.9rem; vertical-align: top; overflow-wrap: anywhere; white-space: pre-wrap;
}
.gbr-fields tr:first-child > * {border-top: 0;}
.gbr-fields th {
  background: light-dark(#f1f5f4, #1a2422); font-weight: 400; color: light-dark(#4f5f5c, #a9b8b5); width: 7rem;
}
.gbr-fields .quiet {color: light-dark(#4f5f5c, #a9b8b5);}
@media (max-width: 640px) {
  .st-key-row-beside {
    position: fixed; left: 0; right: 0; bottom: 0; z-index: 95; padding: 0 0.5rem;
    background: light-dark(#ffffff, #0f1615); border-top: 1px solid light-dark(#cfd9d7, #33413e);
    box-shadow: 0 -0.4rem 1rem light-dark(#0a121022, #00000066); border-radius: 0.8rem 0.8rem 0 0;
  }
  .st-key-row-detail {max-height: 45vh; border: 0;}
  .st-key-run-head, .st-key-results {gap: 0.5rem;}
  .st-key-run:has(.st-key-row-beside) {padding-bottom: 45vh;}
}
"""
