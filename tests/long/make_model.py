#!/usr/bin/env python3
"""A small model of the llama architecture in the GGUF format, with random weights of a fixed seed, for llama.sh:
make_model.py OUT. GGUF: github.com/ggml-org/ggml, docs/gguf.md."""
import random
import struct
import sys

LAYERS, WIDTH, HEADS, KV_HEADS, HEAD, INNER, CONTEXT, WORDS = 4, 512, 8, 2, 64, 1024, 512, 1024
UINT32, INT32, FLOAT32, STRING, ARRAY = 4, 5, 6, 8, 9
F32 = 0
ALIGNMENT = 32


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def array(kind, values):
    data = b"".join(string(v) for v in values) if kind == STRING else struct.pack(f"<{len(values)}{'f' if kind == FLOAT32 else 'i'}", *values)
    return struct.pack("<IQ", kind, len(values)) + data


def entry(key, kind, value):
    packed = {UINT32: lambda v: struct.pack("<I", v), FLOAT32: lambda v: struct.pack("<f", v), STRING: string, ARRAY: bytes}[kind](value)
    return string(key) + struct.pack("<I", kind) + packed


def vocabulary():
    """SentencePiece's: three special pieces, every byte, and words of two syllables; with their scores and types."""
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    words = ["\u2581" + a + b for a in syllables for b in syllables][:WORDS]
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + words
    types = [2, 3, 3] + [6] * 256 + [1] * len(words)
    return pieces, [0.0] * 259 + [-float(i) for i in range(len(words))], types


def tensors(vocabulary_size):
    """Names, shapes (the fastest dimension first) and the width of the weights' distribution."""
    yield "token_embd.weight", (WIDTH, vocabulary_size), 1.0
    yield "output_norm.weight", (WIDTH,), None
    yield "output.weight", (WIDTH, vocabulary_size), 0.2
    for n in range(LAYERS):
        layer = f"blk.{n}."
        yield layer + "attn_norm.weight", (WIDTH,), None
        yield layer + "attn_q.weight", (WIDTH, HEADS * HEAD), 0.1
        yield layer + "attn_k.weight", (WIDTH, KV_HEADS * HEAD), 0.1
        yield layer + "attn_v.weight", (WIDTH, KV_HEADS * HEAD), 0.1
        yield layer + "attn_output.weight", (HEADS * HEAD, WIDTH), 0.1
        yield layer + "ffn_norm.weight", (WIDTH,), None
        yield layer + "ffn_gate.weight", (WIDTH, INNER), 0.1
        yield layer + "ffn_up.weight", (WIDTH, INNER), 0.1
        yield layer + "ffn_down.weight", (INNER, WIDTH), 0.1


def weights(shape, spread, numbers):
    count = shape[0] * (shape[1] if len(shape) > 1 else 1)
    if spread is None:
        return struct.pack(f"<{count}f", *[1.0] * count)
    return struct.pack(f"<{count}f", *[(2 * numbers.random() - 1) * spread for _ in range(count)])


def main():
    pieces, scores, types = vocabulary()
    keys = [entry("general.architecture", STRING, "llama"), entry("general.name", STRING, "random"),
            entry("general.alignment", UINT32, ALIGNMENT)]
    for key, value in (("context_length", CONTEXT), ("embedding_length", WIDTH), ("block_count", LAYERS), ("feed_forward_length", INNER),
                       ("attention.head_count", HEADS), ("attention.head_count_kv", KV_HEADS), ("rope.dimension_count", HEAD),
                       ("vocab_size", len(pieces))):
        keys.append(entry("llama." + key, UINT32, value))
    keys.append(entry("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5))
    keys.append(entry("tokenizer.ggml.model", STRING, "llama"))
    keys.append(entry("tokenizer.ggml.tokens", ARRAY, array(STRING, pieces)))
    keys.append(entry("tokenizer.ggml.scores", ARRAY, array(FLOAT32, scores)))
    keys.append(entry("tokenizer.ggml.token_type", ARRAY, array(INT32, types)))
    for key, token in (("unknown", 0), ("bos", 1), ("eos", 2)):
        keys.append(entry(f"tokenizer.ggml.{key}_token_id", UINT32, token))

    numbers = random.Random(2718)
    infos, data = [], bytearray()
    for name, shape, spread in tensors(len(pieces)):
        infos.append(string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, F32, len(data)))
        data += weights(shape, spread, numbers)
        data += bytes(-len(data) % ALIGNMENT)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(keys)) + b"".join(keys) + b"".join(infos)
    with open(sys.argv[1], "wb") as out:
        out.write(head + bytes(-len(head) % ALIGNMENT) + data)


main()
