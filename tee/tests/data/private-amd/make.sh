#!/usr/bin/env bash
# Makes a private chain in the form of AMD's: root (ark), authority (ask), the key of one chip (vcek), another chip's
# certificate for the same key that nothing certifies (stranger), and revocation lists. The keys are for tests alone.
# Needs openssl 3. The files are kept, because certificates that are made again have other bytes.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
pss=(-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48 -sigopt rsa_mgf1_md:sha384)
cat > "$work/conf" <<'CONF'
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[chip]
1.3.6.1.4.1.3704.1.1 = ASN1:INTEGER:0
1.3.6.1.4.1.3704.1.2 = ASN1:IA5STRING:Test-B0
1.3.6.1.4.1.3704.1.3.1 = ASN1:INTEGER:3
1.3.6.1.4.1.3704.1.3.2 = ASN1:INTEGER:0
1.3.6.1.4.1.3704.1.3.3 = ASN1:INTEGER:8
1.3.6.1.4.1.3704.1.3.4 = ASN1:INTEGER:0
1.3.6.1.4.1.3704.1.3.5 = ASN1:INTEGER:0
1.3.6.1.4.1.3704.1.3.6 = ASN1:INTEGER:0
1.3.6.1.4.1.3704.1.3.7 = ASN1:INTEGER:0
1.3.6.1.4.1.3704.1.3.8 = ASN1:INTEGER:200
CONF
printf '1.3.6.1.4.1.3704.1.4 = DER:%s\n' "$(printf '5a%.0s' {1..64})" >> "$work/conf"
for name in ark ask; do openssl genrsa -out "$work/$name.key" 2048 2> /dev/null; done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -outform der -out vcek.key
issue() { # name, subject, issuer, section, serial, days
    local key="$work/$1.key" form=()
    [ "$1" = ask ] || { key=vcek.key; form=(-keyform der); }
    openssl req -new -key "$key" "${form[@]}" -subj "/O=Test/CN=$2" -out "$work/$1.csr" 2> /dev/null
    openssl x509 -req -in "$work/$1.csr" -CA "$work/$3.pem" -CAkey "$work/$3.key" -set_serial "$5" -days "$6" \
        -extfile "$work/conf" -extensions "$4" "${pss[@]}" -out "$work/$1.pem" 2> /dev/null
    openssl x509 -in "$work/$1.pem" -outform der -out "$1.der"
}
openssl req -x509 -new -key "$work/ark.key" -subj "/O=Test/CN=ARK-Test" -set_serial 65536 -days 36500 \
    -config <(printf '[req]\ndistinguished_name = d\n[d]\n'; cat "$work/conf") -extensions ca "${pss[@]}" -out "$work/ark.pem"
openssl x509 -in "$work/ark.pem" -outform der -out ark.der
issue ask SEV-Test ark ca 65537 36500
issue vcek SEV-VCEK ask chip 0 36500
# An authority that calls itself as the other does, and was not signed by the root.
cp "$work/ask.key" "$work/real.key"
openssl genrsa -out "$work/ask.key" 2048 2> /dev/null
openssl req -x509 -new -key "$work/ask.key" -subj "/O=Test/CN=SEV-Test" -days 36500 "${pss[@]}" -out "$work/false.pem" 2> /dev/null
cp "$work/ask.key" "$work/false.key"
issue stranger SEV-VCEK false chip 0 36500
cp "$work/real.key" "$work/ask.key"
list() { # file, issuer, serial to revoke or nothing, number, days, an extension or nothing
    printf '[ca]\ndefault_ca = c\n[c]\ndatabase = %s\ncrlnumber = %s\ndefault_md = sha384\ncrl_extensions = e\n[e]\n' \
        "$work/index" "$work/number" > "$work/crl.conf"
    printf '%s\n[part]\nonlyuser = TRUE\n' "${6:-}" >> "$work/crl.conf"
    if [ -n "$3" ]; then printf 'R\t20500101000000Z\t240101000000Z\t%s\tunknown\t/CN=x\n' "$3"; fi > "$work/index"
    echo "$4" > "$work/number"
    openssl ca -gencrl -config "$work/crl.conf" -cert "$work/$2.pem" -keyfile "$work/$2.key" -crldays "$5" \
        -md sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48 -sigopt rsa_mgf1_md:sha384 \
        -out "$work/crl.pem" 2> "$work/log" || { cat "$work/log"; exit 1; }
    openssl crl -in "$work/crl.pem" -outform der -out "$1.crl"
}
list ark ark "" 05 36000
list ark-newer ark "" 07 36000
list ark-revokes-ask ark 010001 06 36000
list ark-partial ark "" 08 36000 "issuingDistributionPoint = critical, @part"
list ask ask "" 02 36000
list ask-revokes-vcek ask 00 03 36000
