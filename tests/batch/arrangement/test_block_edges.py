"""Edges of blocks inside lines: what stands beside one block alone belongs to it."""

from __future__ import annotations

from batch.arrangement.block_edges import CLEAN, Edge, Seen, learn_edges


def seen(name: int, before: str, behind: str = "") -> Seen:
    text = f"{before}BLOCK{behind}".encode()
    return Seen(name, 0, text, len(before), len(before) + 5)


def test_a_sentence_that_only_one_block_has_before_it_belongs_to_it() -> None:
    rows = [seen(n % 2, f"Ref {n} {['The first begins. ', 'Another says this. '][n % 2]}") for n in range(8)]
    edges, are_sharp = learn_edges(rows)
    assert edges == {0: Edge(b"The first begins. ", b""), 1: Edge(b"Another says this. ", b"")} and not are_sharp


def test_what_stands_before_every_block_belongs_to_none() -> None:
    assert learn_edges(seen(n % 2, f"What does number {n} say of it? ", f" Answer {n}:") for n in range(8)) == (
        {},
        True,
    )


def test_the_question_stays_where_a_sentence_of_the_document_follows_it() -> None:
    firsts = ["The first begins. ", "This is a lease. "]
    rows = [seen(n % 2, f"What does number {n} say of it? {firsts[n % 2]}") for n in range(8)]
    assert learn_edges(rows)[0] == {0: Edge(b"The first begins. ", b""), 1: Edge(b"This is a lease. ", b"")}


def test_blocks_in_texts_of_another_kind_prove_nothing() -> None:
    """One document behind a question, another behind a record: neither has a peer, and the question stays whole."""
    asked = [seen(0, f"What does number {n} say of it? ") for n in range(4)]
    assert learn_edges([*asked, *(seen(1, f"Record {n}: Firm {n} paid. ") for n in range(4))]) == ({}, True)


def test_of_one_block_alone_only_what_is_left_as_a_label_tells() -> None:
    labelled = [seen(0, f"[{n:03d}] It begins here. ") for n in range(4)]
    assert learn_edges(labelled)[0] == {0: Edge(b"It begins here. ", b"")}
    assert learn_edges(seen(0, f"Firm {n} paid late. ") for n in range(4))[0] == {}
    assert learn_edges([])[0] == {} and Edge(b"", b"") == CLEAN


def test_what_follows_one_block_alone_belongs_to_it_up_to_a_word() -> None:
    rows = [seen(n % 2, "", f"{[' and so on', ' or not'][n % 2]} Q{n}?") for n in range(8)]
    assert learn_edges(rows)[0] == {0: Edge(b"", b" and so on"), 1: Edge(b"", b" or not")}
