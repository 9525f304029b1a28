# Flags for every file of the project. Kernels add their own instruction set beside their file.
add_compile_options(
  -Wall -Wextra -Wshadow -Wundef -Wdouble-promotion -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wno-format-nonliteral
  -Wimplicit-fallthrough
  # A product and a sum are rounded apart unless a kernel says FMA, so that the reference means the
  # same with every compiler.
  -ffp-contract=off)
add_compile_definitions(_POSIX_C_SOURCE=200809L _DEFAULT_SOURCE _DARWIN_C_SOURCE)
if(VECFILL_WERROR)
  add_compile_options(-Werror)
endif()
if(VECFILL_SANITIZE)
  add_compile_options(-fsanitize=${VECFILL_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VECFILL_SANITIZE})
endif()
