{
  "targets": [
    {
      "target_name": "cairn",
      "sources": ["<!@(find binding packet framing clock gpio fusion notify memory -name '*.c')"],
      "include_dirs": ["."],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE", "_FILE_OFFSET_BITS=64"],
      "cflags": ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden", "-ffp-contract=off"],
      "libraries": ["-lm"]
    }
  ]
}
