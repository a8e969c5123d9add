"""Text as bytes: put together again it is the file; nothing held out is trained on; a Markov model written out."""

import bisect
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from headway.data.dataset import Data, arrays
from headway.data.markov import STRENGTHS, markov_bits
from headway.data.text import MODULES, StdlibText, TextFiles, TokenFiles, windows
from headway.spec.error import HeadwayError


@pytest.fixture
def files(tmp_path):
    """Twelve files, each of one letter of its own and its length."""
    paths = [tmp_path / f"{letter}.txt" for letter in "abcdefghijkl"]
    for i, path in enumerate(paths):
        path.write_bytes(path.stem.encode() * (30 + 7 * i))
    return tuple(map(str, paths))


@pytest.mark.parametrize("length", [2, 5, 8, 9, 10, 17])
def test_windows_put_together_are_the_file_and_each_byte_but_the_first_is_a_target_once(length):
    content = bytes(range(65, 65 + length))
    read = [np.frombuffer(text, np.uint8) for text in (content, b"", b"?")]
    shape = windows(read, 4)[0].shape
    x, y, weights = (part.ravel() for part in windows(read, 4)[:3])
    assert bytes(x[weights].astype(np.uint8)) == content[:-1]
    assert bytes(y[weights].astype(np.uint8)) == content[1:]
    assert shape == (math.ceil((length - 1) / 4), 4)


def test_whole_files_are_held_out(files):
    data = Data(TextFiles(files, time=8), validation=0.2, test=0.2).load()
    letters = {name: set(part.x[part.weights > 0].tolist()) for name, part in data.splits().items()}
    assert set.union(*letters.values()) == set(b"abcdefghijkl")
    assert sum(map(len, letters.values())) == 12
    assert min(map(len, letters.values())) >= 1


def test_of_a_single_file_stretches_are_held_out(files, tmp_path):
    path = tmp_path / "one.txt"
    path.write_bytes(bytes(range(32, 127)) * 20)
    data = Data(TextFiles((str(path),), time=8), validation=0.2, test=0.2).load()
    counted = {name: int(part.weights.sum()) for name, part in data.splits().items()}
    assert sum(counted.values()) == 95 * 20 - 1
    assert all(counted[name] == pytest.approx(0.2 * 95 * 20, rel=0.3) for name in ("validation", "test"))


def test_a_trained_network_says_bytes_as_characters(files):
    data = Data(TextFiles(files, time=8)).load()
    assert [data.classes[i] for i in b"a\n"] == ["a", "\n"]
    assert (len(set(data.classes)), data.schema.tokens) == (256, 256)


def test_the_standard_library_is_read_whole_and_its_fingerprint_knows_it():
    source = StdlibText(("heapq", "bisect", "keyword"), time=64)
    content = Path(bisect.__file__).read_bytes()
    table = source.load()
    first = table.weights & (np.asarray(table.groups) < 20)[:, None]
    assert bytes(np.asarray(table.x)[first].astype(np.uint8)) == content[:-1]
    assert Data(source).load().fingerprint == Data(source).load().fingerprint
    assert Data(source).load().fingerprint != Data(StdlibText(("heapq", "bisect"), time=64)).load().fingerprint


def test_the_modules_of_the_corpus_are_there_sorted_and_of_a_size_to_train_on_in_minutes():
    table = StdlibText().load()
    assert list(MODULES) == sorted(set(MODULES))
    assert 1e6 < np.sum(table.weights) < 3e6
    assert len(np.unique(table.groups)) == len(MODULES)


def contexts(x, t, order):
    """The tokens of x up to place t in lengths 0, 1 … order, as far as there are so many."""
    return [tuple(x[t + 1 - k : t + 1]) for k in range(min(order, t + 1) + 1)]


def by_hand(part, counts, strengths):
    """Bits a token, one after the other."""
    (alone, pairs), total = counts, []
    for x, y in zip(part.x.tolist(), part.y.tolist(), strict=True):
        for t, c in enumerate(y):
            p = 1 / 3
            for context, a in zip(contexts(x, t, len(strengths) - 1), strengths, strict=False):
                p = (pairs[*context, c] + a * p) / (alone[context] + a)
            total.append(-math.log2(p))
    return np.mean(total)


def test_a_markov_model_gives_the_bits_of_its_equation_written_out(rng):
    """With dictionaries, for every order up to 2 and the strengths that come out best."""
    tokens = rng.choice(3, (30, 6), p=[0.6, 0.3, 0.1])
    tokens[:, 1::2] = tokens[:, ::2]
    data = arrays(tokens[:, :-1], tokens[:, 1:], tokens=3, classes=("a", "b", "c"), validation=0.3, test=0.3)
    seen = [(c, y[t]) for x, y in zip(data.train.x.tolist(), data.train.y.tolist(), strict=True)
            for t in range(5) for c in contexts(x, t, 2)]  # fmt: skip
    counts = Counter(context for context, _ in seen), Counter((*context, c) for context, c in seen)
    strengths = []
    for order in (0, 1, 2):
        tried = {a: by_hand(data.validation, counts, [*strengths, a]) for a in STRENGTHS}
        strengths.append(min(tried, key=tried.get))
        found = markov_bits(data, order)
        assert found["validation"] == pytest.approx(tried[strengths[-1]])
        assert found["test"] == pytest.approx(by_hand(data.test, counts, strengths))


def test_a_longer_memory_foretells_python_better_and_padding_does_not_count():
    data = Data(StdlibText(("heapq", "bisect", "keyword", "ast", "csv", "cmd"), time=32)).load()
    bits = [markov_bits(data, order)["test"] for order in (0, 1, 2)]
    assert 8 > bits[0] > bits[1] > bits[2] > 1
    data.train.x[data.train.weights == 0] = 7
    assert markov_bits(data)["test"] == bits[2]


def test_ids_of_a_tokenizer_are_read_from_both_kinds_of_files(tmp_path):
    ids = np.random.default_rng(0).integers(0, 50257, 400)
    ids.astype(np.uint16).tofile(tmp_path / "a.bin")
    np.save(tmp_path / "b.npy", ids)
    for name in ("a.bin", "b.npy"):
        table = TokenFiles((str(tmp_path / name),), vocabulary=50257, time=8).load()
        counted = table.weights.ravel()
        assert table.x.ravel()[counted].tolist() == ids[:-1].tolist()
        assert table.y.ravel()[counted].tolist() == ids[1:].tolist()
        assert table.tokens == len(table.classes) == 50257


@pytest.mark.parametrize(
    ("name", "ids", "message"),
    [
        ("a.npy", np.array([1, 2, 9]), "a.npy: a token id must be below the vocabulary of 9; got 9 at place 2"),
        ("a.npy", np.array([1, -2, 3]), "got -2 at place 1"),
        ("a.npy", np.ones((2, 2), int), r"must be token ids in one dimension; got int64, shape \(2, 2\)"),
        ("a.npy", np.ones(3), "must be token ids in one dimension; got float64"),
        ("a.bin", np.ones(3, np.uint8), "a.bin: must hold ids of 16 bits; got 3 bytes"),
    ],
)
def test_what_are_no_ids_of_the_vocabulary_is_refused(tmp_path, name, ids, message):
    path = tmp_path / name
    np.save(path, ids) if path.suffix == ".npy" else ids.tofile(path)
    with pytest.raises(HeadwayError, match=message):
        TokenFiles((str(path),), vocabulary=9).load()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TextFiles(("missing.txt",)).load(), r"missing\.txt: no such file\. Looked in "),
        (lambda: TextFiles(()), r"TextFiles\.paths: "),
        (lambda: StdlibText(("heapqq",)).load(), r"heapqq: no such module of one file\. Did you mean 'heapq'"),
        (lambda: windows([np.zeros(0, int), np.zeros(1, int)], 4), "text: needs two tokens or more to .*; got 2 files"),
        (lambda: StdlibText(time=1), "StdlibText.time: must be greater than or equal to 2; got 1"),
        (lambda: markov_bits(arrays(np.eye(20), np.arange(20) % 2)), "data: a Markov model needs tokens, the next one"),
        (lambda: markov_bits(Data(StdlibText(("heapq",), time=8)).load(), 8), r"order: .* below 2\^63; got 8"),
        (lambda: markov_bits(Data(StdlibText(("heapq",), time=8)).load(), -1), "order: must be 0 or more.*; got -1"),
    ],
)
def test_bad_text_is_refused(make, message):
    with pytest.raises(HeadwayError, match=message):
        make()
