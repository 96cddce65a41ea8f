"""What a person reads of a page: its text, without tags, spaces made one."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def text_of(html: str) -> str:
    """The text of a page."""
    reader = _Reader()
    reader.feed(html)
    text = " ".join(reader.words)
    for mark in (",", ".", ":", ";"):
        text = text.replace(f" {mark}", mark)
    return text
