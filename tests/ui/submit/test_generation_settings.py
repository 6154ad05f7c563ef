"""A model is offered the settings of its kind, and only those go into requests."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from ui.submit import generation_settings

IMAGE, EMBEDDING, TEXT = "gemini-3.1-flash-image", "gemini-embedding-001", "gemini-3.8-flash"


def choose(at: AppTest, model: str) -> AppTest:
    at.session_state["model"] = model
    at.run()
    assert not at.exception
    return at


def keys(at: AppTest) -> set[str]:
    kinds = (at.sidebar.selectbox, at.sidebar.number_input, at.sidebar.text_area)
    return {str(element.key) for elements in kinds for element in elements} - {"model", "send_files", "try_first_usd"}


def test_each_kind_has_its_own_settings(composer: AppTest) -> None:
    for model, kind in ((IMAGE, "image"), (EMBEDDING, "embedding"), (TEXT, "text")):
        assert keys(choose(composer, model)) == set(generation_settings.FIELDS[kind])


def test_sizes_of_pictures_have_their_price(composer: AppTest) -> None:
    sizes = choose(composer, IMAGE).selectbox(key="image_size").options
    assert sizes[0] == "default" and any(size.startswith("2K, $") for size in sizes)
    assert any("Draws pictures, $" in caption.value.replace("\\", "") for caption in composer.sidebar.caption)


def test_a_model_whose_price_nobody_knows_says_so(composer: AppTest) -> None:
    choose(composer, "gemini-nano-banana-2.1")
    told = " ".join(caption.value for caption in composer.sidebar.caption).replace("\\", "")
    assert "Draws pictures. Price unknown." in told and "not in the catalog" not in told.casefold()
    assert "$" not in str(composer.selectbox(key="image_size").options)


def test_settings_of_one_kind_wait_while_another_is_chosen(composer: AppTest) -> None:
    choose(composer, EMBEDDING).number_input(key="dimensions").set_value(768).run()
    choose(composer, TEXT)
    assert "makes no" not in " ".join(error.value for error in composer.sidebar.error)
    assert choose(composer, EMBEDDING).number_input(key="dimensions").value == 768


def test_a_shape_that_the_next_model_does_not_have_is_forgotten(composer: AppTest) -> None:
    choose(composer, IMAGE).selectbox(key="aspect_ratio").set_value("8:1").run()
    assert choose(composer, "gemini-3-pro-image").selectbox(key="aspect_ratio").value == ""
