import csv
import io
import json

import pytest

from image_assets.core.mentions import Form, mentions, rewritten

URL = "https://i.test/a(1)?x=1&y=2,3.png"
OURS = {"img/a.png", "my pictures/b c.jpg", "C:\\pics\\d.webp", 'e"f.gif'}


def put(text: str, form: Form) -> str:
    found = mentions(text, form, OURS.__contains__)
    return rewritten(text, found, dict.fromkeys(OURS, URL))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.md", Form.MARKDOWN),
        ("A.HTML", Form.HTML),
        ("shots.jsonl", Form.JSON),
        ("log.tsv", Form.CSV),
        ("prompt.txt", Form.TEXT),
        ("README", Form.TEXT),
    ],
)
def test_a_files_name_tells_its_form(name, form):
    assert Form.of(name) is form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("img/a.png\r\nother", f"{URL}\r\nother"),
        ("use img/a.png, then go on", f"use {URL}, then go on"),
        ('say "my pictures/b c.jpg"!', f'say "{URL}"!'),
        ("  my pictures/b c.jpg  \n", f"  {URL}  \n"),
        ("C:\\pics\\d.webp", URL),
        ("img/a.png.bak and ximg/a.png", "img/a.png.bak and ximg/a.png"),
        ("https://x.test/img/a.png", "https://x.test/img/a.png"),
    ],
)
def test_paths_in_text(text, expected):
    assert put(text, Form.TEXT) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![a](img/a.png)", "![a]({})"),
        ('![a]( img/a.png "title" )', '![a]( {} "title" )'),
        ("![a](<my pictures/b c.jpg>)", "![a](<{}>)"),
        ("![a](my pictures/b c.jpg)", "![a]({})"),
        ("![a](my%20pictures/b%20c.jpg)", "![a]({})"),
        ("[a]: img/a.png\n[b]: <img/a.png>", "[a]: {}\n[b]: <{}>"),
        ("img/a.png is only a word", "img/a.png is only a word"),
    ],
)
def test_links_in_markdown(text, expected):
    url = URL.replace("(", "%28").replace(")", "%29")
    assert put(text, Form.MARKDOWN) == expected.replace("{}", url)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<img src="img/a.png" alt="img/a.png">', '<img src="{}" alt="img/a.png">'),
        ("<img src='my%20pictures/b%20c.jpg'>", "<img src='{}'>"),
        ("<img data-src=img/a.png>", "<img data-src={}>"),
        (
            '<img srcset="img/a.png 1x, big.png 2x,img/a.png 3x">',
            '<img srcset="{} 1x, big.png 2x,{} 3x">',
        ),
        ('<i style="background: url(img/a.png)">', '<i style="background: url({})">'),
        ('<img src="e&quot;f.gif">', '<img src="{}">'),
    ],
)
def test_attributes_in_html(text, expected):
    assert put(text, Form.HTML) == expected.replace("{}", URL.replace("&", "&amp;"))


def test_values_in_json_and_no_names_of_members():
    text = (
        '{ "img/a.png" : "img/a.png",\t"b": ["C:\\\\pics\\\\d.webp", "e\\"f.gif", "x", "\\ud800"] }'
    )

    told = put(text, Form.JSON)

    assert told == text.replace(': "img/a.png"', f': "{URL}"').replace(
        "C:\\\\pics\\\\d.webp", URL
    ).replace('e\\"f.gif', URL)
    assert json.loads(told)["b"][:3] == [URL, URL, "x"]


@pytest.mark.parametrize("comma", [",", ";", "\t"])
def test_whole_cells_in_csv(comma):
    rows = [["file", "what"], ["img/a.png", "see img/a.png"], ['e"f.gif', "x,y;z\t"]]
    out = io.StringIO()
    csv.writer(out, delimiter=comma).writerows(rows)

    told = put(f"\ufeff{out.getvalue()}", Form.CSV)

    read = list(csv.reader(io.StringIO(told.removeprefix("\ufeff"), newline=""), delimiter=comma))
    assert read == [rows[0], [URL, "see img/a.png"], [URL, "x,y;z\t"]]


@pytest.mark.parametrize("form", list(Form))
def test_a_text_without_our_pictures_stays(form):
    text = 'nothing "here.png" ![a](there.png)\r\n<img src=http://x/a.png>,\x00\ufeff\udcff\n'
    assert put(text, form) == text
