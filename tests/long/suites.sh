#!/usr/bin/env bash
# Programs that test themselves, in a Debian guest: Python's own tests, OpenSSL's speed and a TLS session, GCC building
# binutils' libiberty (over 30,000 lines, of Debian's binutils-source) and running its tests, and nodejs, whose JIT
# writes code. PEARVISOR_CPUS (2) CPUs.
. "$(dirname "$0")/../guest/lib.sh"
cat >"$work/suite.sh" <<'S'
check() { # NAME COMMAND...
    local name=$1 start
    shift
    start=$(cut -d. -f1 /proc/uptime)
    if "$@" >/tmp/log 2>&1; then
        echo "PASSED $name in $(($(cut -d. -f1 /proc/uptime) - start)) s: $(tail -n 1 /tmp/log)"
    else
        echo "FAILED $name: status $?"
        tail -n 40 /tmp/log
    fi
}

tls_session() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=localhost
    openssl s_server -quiet -accept 4433 -key key.pem -cert cert.pem -rev >server.log 2>&1 &
    local server=$! answer= cipher
    for cipher in TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256 TLS_AES_128_GCM_SHA256; do
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            answer=$( (echo pearvisor; sleep 2) | openssl s_client -quiet -no_ign_eof -verify_return_error -CAfile cert.pem \
                -ciphersuites $cipher -connect 127.0.0.1:4433 2>client.log | head -n 1)
            [ -n "$answer" ] && break
            sleep 1
        done
        [ "$answer" = rosivraep ] || { cat client.log server.log; kill $server; return 1; }
    done
    kill $server
    echo "three ciphers, each echoed backwards"
}

# Each digest and cipher computes for a second; what it computes is compared with Python's or its own inverse.
openssl_consistency() {
    openssl speed -seconds 1 sha256 rsa2048 ecdsap256 ecdhx25519 && openssl speed -seconds 1 -evp aes-256-gcm &&
        openssl speed -seconds 1 -evp chacha20-poly1305 || return 1
    head -c 3000000 /dev/urandom >data
    local digest cipher
    for digest in md5 sha1 sha256 sha512 sha3-256 blake2b512; do
        python3 -c 'import hashlib, sys
name = {"sha3-256": "sha3_256", "blake2b512": "blake2b"}.get(sys.argv[1], sys.argv[1])
print(hashlib.new(name, open("data", "rb").read(), usedforsecurity=False).hexdigest())' $digest >theirs
        openssl dgst -r -$digest data | cut -d' ' -f1 >ours
        busybox cmp ours theirs || return 1
    done
    for cipher in aes-128-cbc aes-256-ctr aria-256-cbc camellia-256-cbc chacha20; do
        openssl enc -$cipher -pbkdf2 -pass pass:pear -in data -out enciphered &&
            openssl enc -d -$cipher -pbkdf2 -pass pass:pear -in enciphered | busybox cmp - data || return 1
    done
    echo "6 digests, 5 ciphers"
}

build_libiberty() {
    tar xf /usr/src/binutils/binutils-*.tar.xz --strip-components=1 --wildcards 'binutils-*/libiberty' 'binutils-*/include' \
        'binutils-*/config*' 'binutils-*/install-sh' 'binutils-*/move-if-change' 'binutils-*/mkinstalldirs' \
        'binutils-*/missing' 'binutils-*/ltmain.sh' 2>/dev/null
    echo "$(cat libiberty/*.c | wc -l) lines"
    mkdir -p build && cd build && ../libiberty/configure && make -j2 && make check
}

javascript() {
    node -e '
const start = Date.now();
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
const sieve = new Uint8Array(2000000); let primes = 0;
for (let i = 2; i < sieve.length; i++) if (!sieve[i]) { primes++; for (let j = 2 * i; j < sieve.length; j += i) sieve[j] = 1; }
let text = ""; for (let i = 0; i < 200000; i++) text += "key" + i + "=" + i * 7 + ";";
const sum = text.match(/=(\d+)/g).reduce((a, m) => a + Number(m.slice(1)), 0);
const sorted = Array.from({length: 200000}, (_, i) => (i * 7919) % 200003).sort((a, b) => a - b);
const hash = require("crypto").createHash("sha256").update(text).digest("hex");
let pi = 0; for (let i = 0; i < 5e6; i++) pi += (i % 2 ? -4 : 4) / (2 * i + 1);
for (let i = 0; i < 300; i++) { const f = new Function("x", "return x * " + i + " + 1"); for (let k = 0; k < 2000; k++) if (f(k) !== k * i + 1) throw i; }
if (fib(30) !== 832040 || primes !== 148933 || sum !== 139999300000 || sorted[1] !== 1 || Math.abs(pi - Math.PI) > 1e-6 ||
    hash !== require("crypto").createHash("sha256").update(Buffer.from(text)).digest("hex")) throw new Error("wrong");
console.log("all results right, " + (Date.now() - start) + " ms");'
}

busybox ifconfig lo 127.0.0.1 up
mount -o remount,rw / 2>/dev/null
[ -e /usr/bin/awk ] || ln -s gawk /usr/bin/awk
mkdir -p /work && cd /work
for test in test_math test_float test_struct test_json test_threading; do
    check python-$test python3 -m test $test
done
check openssl openssl_consistency
check tls tls_session
check gcc build_libiberty
cd /work
check nodejs javascript
dmesg | grep -E 'BUG|WARNING|Oops|stall|segfault|unhandled' && echo "FAILED the kernel complains"
S
EXTRA=python3,libpython3.13-testsuite,openssl,ca-certificates,gcc,libc6-dev,make,binutils,binutils-source,xz-utils,nodejs,gawk \
    SIZE=6G use_guest suite long "$work/suite.sh"
"${boot[@]}" --disk "$work/disk" --memory 2G --cpus "${PEARVISOR_CPUS:-2}" --net off --gpu off \
    --append "console=ttyAMA0 quiet" --display none --timeout 7200 >"$work/out" 2>&1 </dev/null ||
    fail "exit status $?" "$work/out"
grep -aE '^(PASSED|FAILED)' "$work/out"
grep -aq FAILED "$work/out" && fail "a suite failed" "$work/out"
expect_lines "$work/out" '^PASSED python-test_threading' '^PASSED openssl' '^PASSED tls' '^PASSED gcc' '^PASSED nodejs' '^GUEST-DONE'
