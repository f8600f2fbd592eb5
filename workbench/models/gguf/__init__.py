"""Models in GGUF files, the format of llama.cpp: checked, converted once, kept in a cache folder.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Training needs plain weights, so a file's
quantised ones are dequantised once and written as an ordinary Hugging Face folder; every later use reads that folder.
"""
