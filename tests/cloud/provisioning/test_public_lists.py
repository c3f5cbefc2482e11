"""Lists as people published them in issues and guides, with other ids: what becomes of each.

Where one failed at another product, it is read here, or refused with what to do.
"""

from __future__ import annotations

import pytest

from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.town_file.device_columns import Heads
from stadtsinn.cloud.town_file.device_csv import DeviceRow, DeviceTable, read_devices

KEY = "2b7e151628aed2a6abf7158809cf4f3c"
UPPER = KEY.upper()
EUI = "2cf7f12042000795"


def read(content: str, **named: str) -> DeviceTable:
    return read_devices(content, Heads(keys=True, named=named))


def row(content: str, **named: str) -> DeviceRow:
    table = read(content, **named)
    assert table.errors == ()
    (found,) = table.rows
    return found


def error(content: str) -> str:
    (found,) = read(content).errors
    assert KEY[:12] not in found.said.english.lower() + found.said.german.lower()
    return found.said.english


def test_columns_of_the_things_stack_in_capital_letters() -> None:
    """TheThingsNetwork/lorawan-stack #6410: 25 devices, "an unknown error occurred"."""
    heads = "id;dev_eui;join_eui;name;lorawan_version;lorawan_phy_version;app_key;band_id"
    cells = f"lstm1;{EUI.upper()};0000000000000000;lstm1;MAC_V1_0_2;PHY_V1_0_2_REV_B;{UPPER};EU"
    found = row(f"{heads}\n{cells}")
    assert (found.dev_eui, found.join_eui, found.app_key) == (EUI, "0" * 16, KEY)


def test_commas_as_well_as_semicolons() -> None:
    """TheThingsNetwork/lorawan-stack #5632: only semicolons were read; MicrosoftDocs/azure-docs
    #21489: only commas."""
    for sign in ",;\t":
        content = f"id,dev_eui,join_eui,name,app_key\neui-{EUI},{EUI},{EUI},ELT,{KEY}"
        assert row(content.replace(",", sign)).app_key == KEY


def test_a_suppliers_excel_with_his_own_heads() -> None:
    """TheThingsNetwork/lorawan-stack #5139: vendors send DevEUI, AppEUI, AppKey in Excel, and
    somebody has to say which column is which."""
    found = row(f"DevEUI;AppEUI;AppKey;Batch\n{EUI};{EUI};{KEY};7")
    assert (found.join_eui, found.app_key) == (EUI, KEY)
    told = {"Geheimnis": "app_key", "Barcode": "dev_eui"}
    assert row(f"Barcode;Geheimnis\n{EUI};{KEY}", **told).app_key == KEY


def test_a_list_with_network_server_columns_that_mean_nothing_here() -> None:
    """Cumulocity-IoT/cumulocity-lora #118: only four of nine columns arrived; labels, not ids."""
    heads = "Name | devEUI | appEUI | appKey | Type | Codec | Model | Connectivity Plan | Profile"
    cells = f"VOC 1 | {EUI} | {EUI} | {KEY} | gf_x | Enless | 600-022 | orange-cs | Generic_classA"
    found = row(f"{heads}\n{cells}")
    assert (found.app_key, found.values["name"]) == (KEY, "VOC 1")
    assert found.types == ("gf_x", "600-022", "Generic_classA")


def test_an_eui_with_blanks_as_a_console_shows_it() -> None:
    """TheThingsArchive/ttn #334: '70 B3 D5 …' was refused."""
    spaced = " ".join(UPPER[n : n + 2] for n in range(0, 32, 2))
    found = row(f"DevEUI;AppKey\n70 B3 D5 49 95 85 FC A7;{spaced}")
    assert (found.dev_eui, found.app_key) == ("70b3d5499585fca7", KEY)


def test_an_eui_that_is_too_short_is_named_as_that() -> None:
    """TheThingsNetwork/lorawan-stack #4500: "invalid slice length", of which parameter?"""
    (found,) = read("dev_eui;join_eui\n12345678901g;0000000000000000").errors
    assert found.field == "dev_eui"
    assert "16 hexadecimal digits" in found.said.english


def test_a_key_of_another_length_says_which_cell_and_how_long() -> None:
    """chirpstack/chirpstack #312: "INTERNAL: Invalid string length"; temporaerhaus/
    ttn-ulm-feinstaub #3: "one or more keys are of invalid length", and it was the EUI."""
    assert "31 digits, a key has 32" in error(f"DevEUI;AppKey\n{EUI};{KEY[:-1]}")
    assert "are the columns of EUI and key swapped?" in error(f"DevEUI;AppKey\n{EUI};{EUI}")
    assert "a key, not a DevEUI" in error(f"DevEUI;AppKey\n{KEY};{KEY}")


def test_zeros_that_excel_left_out() -> None:
    """MicrosoftDocs/microsoft-365-docs #5505: lists of serial numbers must not go through Excel."""
    assert "Excel leaves out zeros" in error("DevEUI;AppKey\n4320000000101;" + KEY)
    assert "Excel leaves out zeros" in error(f"DevEUI;AppKey\n{EUI};112233445566778899001122334455")
    assert "Excel made a number of the key" in error(f"DevEUI;AppKey\n{EUI};2,5E+31")


def test_lists_without_heads_say_so() -> None:
    """docs.thingpark.com, import files: CREATE_OTAA,DevEUI,,model,JoinEUI,AppKey without heads;
    TheThingsNetwork/lorawan-stack #1404: JoinEUI and DevEUI, two columns without heads."""
    with pytest.raises(Explained, match="ThingPark has no heads"):
        read(f"CREATE_OTAA,{EUI},,dragino/lse01,{EUI},{KEY}")
    with pytest.raises(Explained, match="no line above it that names the columns"):
        read(f"70b3d57ed0000000,{EUI}")


def test_the_app_key_that_chirpstack_calls_nwk_key() -> None:
    """chirpstack/chirpstack #403: devices were added in bulk, their keys were not; #453: AppKey
    written as app_key, and no device joins. What an export calls nwk_key somebody has to say."""
    found = row(f"dev_eui,nwk_key\n{EUI},{KEY}")
    assert (found.app_key, found.nwk_key) == ("", KEY)
    assert row(f"dev_eui,nwk_key\n{EUI},{KEY}", nwk_key="app_key").app_key == KEY


def test_the_same_device_twice() -> None:
    """TheThingsNetwork/docs #176 and moellere/WireStudio #132: the second one is an error that
    names a constraint of a database."""
    assert error(f"DevEUI;AppKey\n{EUI};{KEY}\n{EUI.upper()};{KEY}") == "the same as in line 2"


def test_letters_that_look_like_digits() -> None:
    """Typed off a label: O for 0, l for 1."""
    assert "the letter O at place 11" in error(f"DevEUI;AppKey\n2CF7F12042OOO795;{KEY}")
    assert "is it a 1?" in error(f"DevEUI;AppKey\n{EUI};{KEY[:4]}l{KEY[5:]}")
