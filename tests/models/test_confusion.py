"""The confusion matrix and its picture."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from models.confusion import matrix, picture


def test_rows_are_truths_and_columns_decisions() -> None:
    counts = matrix(np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 1, 1, 0, 2]), 3)
    assert counts.tolist() == [[1, 2, 0], [0, 1, 0], [1, 0, 1]]


def test_the_picture_shows_each_share() -> None:
    svg = picture(np.array([[3, 1], [0, 4]]), ("anger", "disgust"), "two labels")
    root = ElementTree.fromstring(svg)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("anger") == texts.count("disgust") == 2
    assert [text for text in texts if text and text.isdigit()] == ["75", "25", "0", "100"]


def test_a_label_without_rows_is_drawn_as_zeros() -> None:
    svg = picture(np.zeros((2, 2), np.int64), ("a", "b"), "nothing")
    assert "nan" not in svg
