"""PKCE, held against RFC 7636, appendix B."""

import pytest

from image_assets.core.pkce import Pkce, fulfils

VECTOR = bytes.fromhex("7418dfb49799e0254ffa607dd8adbbba16d4254d69d6bff05b58055853848d79")
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_vector_of_the_rfc():
    pkce = Pkce.of(VECTOR)

    assert (pkce.verifier, pkce.challenge) == (VERIFIER, CHALLENGE)


def test_a_verifier_fulfils_its_own_challenge_alone():
    assert fulfils(VERIFIER, CHALLENGE)
    assert not fulfils(VERIFIER[:-1] + "l", CHALLENGE)
    assert not fulfils("é" * 43, CHALLENGE)


def test_a_verifier_never_shows():
    assert VERIFIER not in repr(Pkce.of(VECTOR))


def test_what_could_be_guessed_is_no_verifier():
    with pytest.raises(ValueError, match="32 random bytes"):
        Pkce.of(bytes(31))
