# Sourced by the scripts beside it: makes sure that the system libraries and the compiler are there.

dukkan_fail() {
    echo "error: $*" >&2
    exit 1
}

# Installs Debian packages whose test command fails: require_packages TEST PACKAGE...
dukkan_has_header() {
    echo "#include <$1>" | cc -E -x c - >/dev/null 2>&1
}

dukkan_require_system_libraries() {
    command -v swift >/dev/null || dukkan_fail "no 'swift' on the path; Swift 6.2 or later is needed (https://www.swift.org/install)"
    local missing=()
    command -v cc >/dev/null || command -v clang >/dev/null || missing+=(gcc libc6-dev)
    if command -v cc >/dev/null; then
        dukkan_has_header lz4.h || missing+=(liblz4-dev)
        dukkan_has_header zlib.h || missing+=(zlib1g-dev)
    else
        missing+=(liblz4-dev zlib1g-dev)
    fi
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(uname)" = Darwin ]; then
        dukkan_fail "missing: ${missing[*]}; with Homebrew: brew install lz4 pkg-config"
    fi
    command -v apt-get >/dev/null || dukkan_fail "missing: ${missing[*]}, and there is no apt-get to install them with; \
install the development files of lz4 and zlib and pkg-config with your system's packager, then start again"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || dukkan_fail "missing: ${missing[*]}; install them as root: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    echo "installing ${missing[*]}" >&2
    "${as_root[@]}" apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq "${missing[@]}" >&2
}

# Sets `dukkan` to the path of the tool: the one that DUKKAN_TOOL names, or one built now.
dukkan_build_tool() {
    if [ -n "${DUKKAN_TOOL:-}" ]; then
        dukkan="$DUKKAN_TOOL"
        return 0
    fi
    swift build -c release --product dukkan >&2
    dukkan="$(swift build -c release --show-bin-path)/dukkan"
}

# Sets DUKKAN_COMPARE_PYTHON to a Python that has the engines that Dukkan is compared with; makes .venv if need be.
dukkan_require_peers() {
    command -v python3 >/dev/null || dukkan_fail "no 'python3' on the path"
    dukkan_require_system_libraries
    [ -z "${DUKKAN_COMPARE_PYTHON:-}" ] || return 0
    if [ ! -x .venv/bin/python ]; then
        python3 -m venv .venv || dukkan_fail "python3 cannot make a virtual environment (Debian: apt-get install python3-venv)"
    fi
    .venv/bin/python -c 'import chdb, duckdb, polars, pyarrow' 2>/dev/null \
        || .venv/bin/python -m pip install --quiet --disable-pip-version-check numpy pyarrow duckdb chdb polars
    DUKKAN_COMPARE_PYTHON=.venv/bin/python
}
