#include "auth/saslprep.h"

#include <gtest/gtest.h>

#include "auth/scram.h"

namespace tidegate::auth {
namespace {

TEST(Saslprep, LeavesAsciiAlone) {
  EXPECT_EQ(saslprep_or_raw("pencil"), "pencil");
  EXPECT_EQ(saslprep_or_raw("a\x07 b"), "a\x07 b");
  EXPECT_EQ(saslprep_or_raw(""), "");
}

TEST(Saslprep, MapsTheExamplesOfTheRfc) {  // RFC 4013 section 3
  EXPECT_EQ(saslprep_or_raw("I\u00adX"), "IX");
  EXPECT_EQ(saslprep_or_raw("\u00aa"), "a");
  EXPECT_EQ(saslprep_or_raw("\u2168"), "IX");
}

TEST(Saslprep, MapsSpacesAndComposesLetters) {
  EXPECT_EQ(saslprep_or_raw("a\u00a0b\u3000c"), "a b c");
  EXPECT_EQ(saslprep_or_raw("a\u200bb"), "a b");
  EXPECT_EQ(saslprep_or_raw("e\u0301"), "\u00e9");
}

TEST(Saslprep, LeavesWhatItProhibitsAsItIs) {
  for (const auto* password : {
           "\u0627\u0031",   // right to left, but not at the end (the RFC's example)
           "\u0627a\u0627",  // both directions
           "\u00e9\x07",     // a control character
           "\u0221x",        // unassigned in Unicode 3.2
           "\u2060\u00ad",   // nothing would be left
           "a\u0340",        // deprecated, though its normal form is not
           "\xff\xfe",       // not UTF-8
           "\xc3",           // cut short
           "\xed\xa0\x80",   // a surrogate
       }) {
    EXPECT_EQ(saslprep_or_raw(password), password);
  }
}

struct Stored {
  std::string_view password;
  std::string_view verifier;
};

// What PostgreSQL 15 made of CREATE ROLE ... PASSWORD: its reading of SASLprep is the one to match.
const Stored kStored[] = {
    {"pencil",
     "SCRAM-SHA-256$4096:SQj/Haa5pVVjc/3twMOrHw==$c860Nz8DJFLyMLODhAMBrVgBgF6cPKc4YM/"
     "zvmPYLxs=:eqcPXYhjvViRHx+PnZ9EIpmH2+z1rTyjWnDyvoT3FfM="},
    {"I\u00adX",
     "SCRAM-SHA-256$4096:nVwD1fQeM04Sx5PS43V5lg==$giGBh3H9jDcWuue26WqK5CqB7ixP6SIZkTqcShJs2uY=:q/"
     "6x3swx4059hQtn0IIoa1u1J/fzztK3R2xsJrLVfkU="},
    {"pass word \u2168",
     "SCRAM-SHA-256$4096:JQ74LiYMvUQdbgDLNzgwVA==$4KFza3yJ6s5k4T8xGdck9Mhr7cmCF/"
     "bWcDYSB7pV8xo=:eNf0maQO5I5Sd6oiGkqiYkI76yYJdk+Z6ReahHhvevc="},
    {"\u00aa",
     "SCRAM-SHA-256$4096:VfuG0iPMkheJvJ3EBSGkRw==$guTkB26kQ6jlq16K3+CnWtvwCBE6XqfdAaCCAZLx3Ns=:"
     "zySKCfQ2jjfzsmmqjpwY5E6cW6MhWCZcfJoxG0LjEdg="},
    {"\u06271",
     "SCRAM-SHA-256$4096:MNoNKkaPz+/tEYqehL+ftw==$eaeSVVvXTzhZlUaXgkAj69U7oQ5sFCf6h/"
     "k9khM0Tdc=:jtyHi1VSTKrxtzpOQTxHYZEthWuuMAgjr9DfDwrMTFI="},
    {"\u06271\u0628 ",
     "SCRAM-SHA-256$4096:p2T/iYuuR7jQhn60QEJyaA==$6cHxA1aleayCKtq2tZ7gr623rBZWrta3jUvFXnMH/"
     "Pc=:6HYPOyUjBwvK4knqM0U8We85cjjmSC65RJiObrlPGXg="},
    {"\u21351",
     "SCRAM-SHA-256$4096:r1KdwSFVwJ1IprcITp4NDA==$6yWmKh7wi3z4lJsSG+ga+kYNxWTkERN8Y0zkd1mOahE=:"
     "bSSNRyKjb2oEsvne82JZawQJUQyRoKXNKw8Boe9H+Ls="},
    {"a\u0340",
     "SCRAM-SHA-256$4096:TctjlWzlsGnWwhSOsXPzqQ==$0IpGbjeD190zMkx/"
     "Fu2WRCirJq+wTaAoXSuF5RQEU14=:jqnbARDcezjC3zW+di1tsvnA7LEQwez07dYckvGeTns="},
    {"\u0221x",
     "SCRAM-SHA-256$4096:yLJJf2hh34RHoHnF4d1lpg==$IK8Gka/DefT10hHsdO3iLvTc60gXh2Q8fWngKsDHv9k=:fVC/"
     "dvyppMfOk+tIdgg0+uErM4fUhYm2ayouohEpAtI="},
    {"\u00e9\x07",
     "SCRAM-SHA-256$4096:m+/"
     "I0oPB61+rfeM6eONF4g==$bjwAMC2nzTx3noExBxQHDnD5ZlwzhZXaOMIuHmyFrcQ=:UEm8Ya1+"
     "atOYcFxMpLX848X2n6aTO3dGFtxT6E8mIrw="},
    {"\u200b\u00ad",
     "SCRAM-SHA-256$4096:0XfyWvUFVjOg4SkOs4oetg==$ocrIssiA4D5oHsr2pnEmSRmrLv6nQieHbJAKFNuYvl4=:4T+"
     "cxwLFy8qNb7YPiazW/tQzwGpJqQwjlswgzkoJFH4="},
    {"e\u0301\u00a0\ufb01",
     "SCRAM-SHA-256$4096:BR9B/XVvHhdmwkXu2lX6Wg==$1c7jVj+g35Z9r6yXyIu/hY5BscedVGx1wRdF/"
     "gX41AI=:ekxNaWePP0imVN535K99w3KNiz4AV0sxGElpCCb6ayI="},
};

TEST(Saslprep, MakesTheVerifiersThatPostgresMakes) {
  for (const auto& [password, text] : kStored) {
    const auto verifier = ScramVerifier::parse(text);
    ASSERT_TRUE(verifier) << password;
    const auto made = make_scram_verifier(password, verifier->salt, verifier->iterations);
    EXPECT_EQ(made.text(), text) << password;
  }
}

}  // namespace
}  // namespace tidegate::auth
