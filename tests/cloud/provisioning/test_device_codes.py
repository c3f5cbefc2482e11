"""TR005, its drafts and what vendors print instead: read, written, and refused."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stadtsinn.cloud.provisioning import tr005
from stadtsinn.cloud.provisioning.keyboards import undone
from stadtsinn.cloud.provisioning.labels import Label, NoDevice, read_label
from stadtsinn.cloud.provisioning.tr005 import DeviceCode, WrongCode

OF_THE_DOCUMENT = (
    "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR:CAF2C"
)
KEY = "5572404c696e6b4c6f52613230313823"

hexadecimal = st.text("0123456789abcdef", min_size=16, max_size=16)
value = st.text("ABCXYZ0123456789 $%*+-./", min_size=1, max_size=30)
devices = st.builds(
    DeviceCode,
    join_eui=hexadecimal,
    dev_eui=hexadecimal,
    profile=hexadecimal.map(lambda digits: digits[:8]),
    serial=st.just("") | value,
    owner_token=st.just("") | value,
    proprietary=st.lists(value, max_size=2).map(tuple),
)


def test_the_example_of_the_document() -> None:
    """With the checksum that is printed there (The Things Network, lorawan-stack issue 5289)."""
    code = tr005.read(OF_THE_DOCUMENT)
    assert code == DeviceCode(
        "1122334455667788",
        "aabbccddeeff0011",
        "aabb1122",
        "YYWWNNNNNN",
        "AABBCCDDEEFF",
        ("FOOBAR",),
    )
    assert tr005.written(code) == OF_THE_DOCUMENT
    assert "AABBCCDDEEFF" not in repr(code), "an owner token is a secret"


@given(devices)
def test_what_is_written_is_read(code: DeviceCode) -> None:
    text = tr005.written(code)
    assert tr005.read(text) == code
    assert tr005.read(text.lower()).dev_eui == code.dev_eui


@given(devices, st.data())
def test_one_wrong_sign_is_found_by_the_checksum(code: DeviceCode, data: st.DataObject) -> None:
    text = tr005.written(code)
    place = data.draw(st.integers(len(tr005.BEGINNING), len(text) - 7))
    sign = data.draw(st.sampled_from("0123456789ABCDEF").filter(lambda one: one != text[place]))
    with pytest.raises(WrongCode):
        tr005.read(f"{text[:place]}{sign}{text[place + 1 :]}")


@given(st.text())
@example("LW:D0:")
@example(f"LW:D0:{KEY}:x")
@example("]Q1LW:D0:::PXA01450340")
@example("http://[")
@example(f"{KEY};x")
def test_any_text_is_a_label_or_is_refused_without_being_repeated(text: str) -> None:
    try:
        label = read_label(text)
    except (WrongCode, NoDevice) as error:
        said = str(error)
    else:
        said = f"{label.serial} {label.dev_eui}"
        for eui in (label.dev_eui, label.join_eui, *label.euis):
            assert len(eui) in {0, 16}
    assert KEY not in said


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("LW:D0:70B3D57ED0000010:0018B20000000101", "cut off"),
        ("LW:D0:1111111111111111:222222222222222:00000000:O1", "DevEUI has 15 signs, not 16"),
        ("LW:D0:1111111111111111:22222222222222ZZ:00000000", "no hexadecimal digits"),
        ("LW:D0:::PXA01450340", "JoinEUI has 0 signs"),
        ("LW:D0:70B3D57ED0000001:A84041035660E3AA:AB12", "ProfileID has 4 signs, not 8"),
        (OF_THE_DOCUMENT[:-1] + "D", "checksum does not fit"),
        (OF_THE_DOCUMENT[:-4] + "WXYZ", "checksum does not fit"),
    ],
)
def test_what_is_wrong_with_a_code(text: str, meant: str) -> None:
    with pytest.raises(WrongCode, match=meant) as refused:
        read_label(text)
    assert refused.value.sentence.german != refused.value.sentence.english


def test_signs_that_a_code_cannot_hold() -> None:
    with pytest.raises(WrongCode, match="A-Z"):
        tr005.written(DeviceCode("0" * 16, "1" * 16, serial="Ä:1"))


# Forms that were found in public, with where they come from.
IN_PUBLIC = [
    # The Things Network, lorawan-stack issue 6059: a draft of TR005, V is the owner token.
    (
        "URN:DEV:LW:70B3D57ED0000000_0004A31000FFFFFF_00000000_VD53FFFFF",
        Label("0004a31000ffffff", "70b3d57ed0000000", "00000000"),
    ),
    # The Things Network, lorawan-stack, console for claiming: the draft before.
    (
        "URN:LW:DP:0016C00000000001:58A0CBFFFFFEFFFF:FACE800C:%VF1FB552B%S201907160010",
        Label("58a0cbfffffeffff", "0016c00000000001", "face800c", "201907160010"),
    ),
    # The Things Network, lorawan-stack, tests of the parser.
    (
        "LW:D0:1111111111111111:2222222222222222:00000001:O123456",
        Label("2" * 16, "1" * 16, "00000001"),
    ),
    # Blynk's documentation, automated device onboarding.
    (
        "LW:D0:70B3D57ED0000010:0018B20000000101:000AF8BE",
        Label("0018b20000000101", "70b3d57ed0000010", "000af8be"),
    ),
    # The app of a laundry: lower case, no JoinEUI.
    (
        "LW:D0:0000000000000000:34c5d0fa68ceffa5:FFFF0BEB:S241218QR10005",
        Label("34c5d0fa68ceffa5", "0" * 16, "ffff0beb", "241218QR10005"),
    ),
    # Browan and Gemtek (Tabs): product and token behind.
    (
        "URN:LWDP:58A0CB0000210000:58A0CBFFFFFEFFFF:tbms100915:4D4483B1",
        Label("58a0cbfffffeffff", "58a0cb0000210000"),
    ),
    # A dashboard for trackers that cut the DevEUI out by its place.
    (
        "URN:LWDP:647FDA8010000000:647FDA00000073C6:SMTBBUS915:NNNNNNNN",
        Label("647fda00000073c6", "647fda8010000000"),
    ),
    # Milesight: a web address with the serial number, from which the DevEUI follows.
    (
        "HTTPS://WWW.MILESIGHT-IOT.COM/?SN=6126A1018496",
        Label(serial="6126A1018496", euis=("24e124126a101849",)),
    ),
    # Milesight, an app of an operator that takes SN for the DevEUI.
    (
        "HTTPS://WWW.MILESIGHT-IOT.COM/X?SN=24E124136D456789",
        Label(serial="24E124136D456789", euis=("24e124136d456789",)),
    ),
    # Milesight and Dragino as an npm package reads them: JSON, fields, groups, numbers alone.
    (f'{{"DevEUI":"24E124136D456789","AppKey":"{KEY}"}}', Label("24e124136d456789")),
    (
        f"DevEUI=A84041035660E3AA\nAppEUI=A840410000000107\nAppKey={KEY}",
        Label("a84041035660e3aa", "a840410000000107"),
    ),
    (f"DevEUI:24:E1:24:13:6D:45:67:89,AppKey:{KEY}", Label("24e124136d456789")),
    ("A8-40-41-03-56-60-E3-AA", Label(euis=("a84041035660e3aa",))),
    (
        f"DS026349738;A84041035660E3AA;A840410000000107;{KEY.upper()}",
        Label(euis=("a84041035660e3aa", "a840410000000107")),
    ),
    # Seeed: DevEUI and JoinEUI in one, then article and serial number.
    (
        "2CF7F1C04490010D8FA012C179CF2BD9:0:1000468:114992868224900030",
        Label(euis=("2cf7f1c04490010d", "8fa012c179cf2bd9")),
    ),
    # A gateway of The Things Industries.
    ("https://ttig.pro/c/58A0CBFFFFFEFFFF/abc", Label(euis=("58a0cbfffffeffff",))),
]


@pytest.mark.parametrize(("text", "label"), IN_PUBLIC)
def test_forms_that_were_met(text: str, label: Label) -> None:
    assert read_label(text) == label
    assert read_label(f"]Q1{text}\r\n") == label, "as scanners name the kind of code"
    assert KEY not in repr(read_label(text)).lower()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https://www.miele.example/wma?art=W1", "the web address of 'www.miele.example'"),
        ("WIFI:S:Rathaus;T:WPA;P:geheim123;;", "the access to a wireless network"),
        ("4002516319191", "a text of 13 signs"),
        ("", "a text of 0 signs"),
        ("A" * 5_000, "too long"),
    ],
)
def test_a_washing_machine(text: str, meant: str) -> None:
    with pytest.raises(NoDevice, match=meant) as refused:
        read_label(text)
    assert "geheim123" not in str(refused.value)
    assert "sondern" in refused.value.sentence.german


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("LWÖD0Ö70B3D57ED0000010Ö0018B20000000101Ö000AF8BEÖSZY/1", "SYZ&1"),
        ("lwöd0ö70b3d57ed0000010ö0018b20000000101ö000af8be", ""),
        ("LW>D0>70B3D57ED0000010>0018B20000000101>000AF8BE>SZ", "SY"),
        ('LZMDàMèàB"D(èEDààààà&àMàà&_Bééééé', ""),
        ("LWÉD0É70B3D57ED0000010É0018B20000000101É000AF8BE", ""),
        ("HTTPSÖ--WWW.MILESIGHTßIOT.COM-_SN´6126A1018496", "HTTPS://WWW.MILESIGHT-IOT.COM/?SN="),
    ],
)
def test_keyboards_that_do_not_fit(typed: str, meant: str) -> None:
    text, changed = undone(typed)
    assert changed
    assert text.upper().startswith(("LW:D0:70B3D57ED0000010:0018B2", "HTTPS://"))
    assert meant in text


@given(devices)
def test_a_fitting_keyboard_changes_nothing(code: DeviceCode) -> None:
    text = tr005.written(code)
    assert undone(text) == (text, False)
    assert undone(code.dev_eui) == (code.dev_eui, False)
