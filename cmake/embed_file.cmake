# cmake -DINPUT=FILE -DOUTPUT=FILE.c -DNAME=NAME -P embed_file.cmake: the bytes of a file as the
# array NAME of C, with their number in NAME_bytes.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT}
  "#include <stddef.h>\n\n"
  "extern const unsigned char ${NAME}[];\nextern const size_t ${NAME}_bytes;\n\n"
  "const unsigned char ${NAME}[] = {\n${bytes}};\nconst size_t ${NAME}_bytes = sizeof(${NAME});\n")
