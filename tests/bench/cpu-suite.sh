# The CPU suite: programs of the distribution, none written for this. Sourced by the guest's init (tools/guest) and,
# for native times, by tests/bench/cpu; both define t NAME COMMAND..., which prints "BENCH NAME SECONDS rc=STATUS".
libc=$(ls /usr/lib/*/libc.so.6 | head -n 1)
key=00112233445566778899aabbccddeeff
t sha256 sh -c 'head -c 128M /dev/zero | sha256sum'
t md5 sh -c 'head -c 128M /dev/zero | md5sum'
t aes openssl enc -aes-256-ctr -K $key$key -iv 00000000000000000000000000000000 -in /usr/bin/python3 -out /dev/null
t awk-float busybox awk 'BEGIN { for (i = 0; i < 500000; i++) s += i * 1.5; print s }'
t gzip sh -c "cat $libc /usr/bin/python3 | gzip -9 | wc -c"
t xz sh -c "xz -3 -T1 -c $libc | wc -c"
t zstd-2threads sh -c "cat $libc /usr/bin/python3 | zstd -15 -T2 -c | wc -c"
t python-int python3 -S -c '
s = 0
for i in range(2000000): s += i * i % 7
print(s)'
t python-float python3 -S -c '
s = 0.0
for i in range(1, 1000000): s += 1.0 / (i * i)
print(s)'
t perl-regex perl -e 'my $n = 0;
for my $i (1 .. 300000) { my $s = "key$i=value" . ($i * 7); $n++ if $s =~ /^key(\d+)=value(\d*7)$/ }
print "$n\n"'
t sqlite sqlite3 :memory: 'with recursive c(x) as (select 1 union all select x + 1 from c where x < 300000)
    select sum(x * x % 97) from c'
t fork-exec bash -c 'for ((i = 0; i < 300; i++)); do /bin/true; done'
cat >numbers.c <<'C'
#include <math.h>
#include <stdio.h>

int main(void) {
    double sum = 0;
    for (int i = 1; i < 20000000; i++)
        sum += sqrt((double)i) * 1.0000001 / (i + 0.5);
    float a[1024], b[1024], dot = 0;
    for (int i = 0; i < 1024; i++)
        a[i] = i, b[i] = 1024 - i;
    for (int k = 0; k < 20000; k++)
        for (int i = 0; i < 1024; i++)
            dot += a[i] * b[i] * 1e-9f;
    printf("%.6f %f\n", sum, dot);
}
C
t gcc gcc -O2 -ffast-math numbers.c -o numbers -lm
t float-loop ./numbers
