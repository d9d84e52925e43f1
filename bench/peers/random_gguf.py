#!/usr/bin/env python3
"""Writes the shape of llama-110m (decode_speed.py) with random weights as a GGUF file, for llama.cpp to read: f32, bf16, or q8_0 (norms stay f32, as
llama.cpp's converter leaves them). The output matrix is the token embedding. Needs numpy and gguf (pip install gguf).

    random_gguf.py --precision f32|bf16|q8_0 llama-110m.f32.gguf
"""
import argparse

import gguf
import numpy

WIDTH, LAYERS, HEADS, HIDDEN, VOCAB, CONTEXT = 768, 12, 12, 2048, 32000, 1024
TYPES = {"f32": gguf.GGMLQuantizationType.F32, "bf16": gguf.GGMLQuantizationType.BF16, "q8_0": gguf.GGMLQuantizationType.Q8_0}
FILES = {"f32": gguf.LlamaFileType.ALL_F32, "bf16": gguf.LlamaFileType.MOSTLY_BF16, "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0}


def describe(writer, precision):
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(VOCAB)
    writer.add_file_type(FILES[precision])
    writer.add_tokenizer_model("llama")  # made-up words: numbers go in, numbers come out
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
    words = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)] + [f"w{i}" for i in range(259, VOCAB)]
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * VOCAB)
    writer.add_token_types(kinds + [gguf.TokenType.NORMAL] * (VOCAB - len(kinds)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--precision", choices=TYPES, default="f32")
    args = parser.parse_args()
    random = numpy.random.default_rng(1)
    writer = gguf.GGUFWriter(args.file, "llama")
    describe(writer, args.precision)

    def add(name, rows, columns):
        weights = random.standard_normal((rows, columns), dtype=numpy.float32) * numpy.float32(0.02)
        writer.add_tensor(name, gguf.quantize(weights, TYPES[args.precision]), raw_dtype=TYPES[args.precision])

    def add_gain(name):
        writer.add_tensor(name, numpy.ones(WIDTH, dtype=numpy.float32))

    add("token_embd.weight", VOCAB, WIDTH)
    add_gain("output_norm.weight")
    for layer in range(LAYERS):
        add_gain(f"blk.{layer}.attn_norm.weight")
        add_gain(f"blk.{layer}.ffn_norm.weight")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}.weight", WIDTH, WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            add(f"blk.{layer}.{name}.weight", HIDDEN, WIDTH)
        add(f"blk.{layer}.ffn_down.weight", WIDTH, HIDDEN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
