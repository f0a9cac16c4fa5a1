{
  "targets": [
    {
      "target_name": "cairn",
      "sources": ["<!@(ls binding/*.c packet/*.c framing/*.c clock/*.c gpio/*.c fusion/*.c)"],
      "include_dirs": ["."],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden", "-ffp-contract=off"],
      "libraries": ["-lm"]
    }
  ]
}
