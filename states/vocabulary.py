"""The words that packs may use (词汇): facts, documents, grounds, each with its Chinese and English label.

A pack is data and can only say what is named here; the linter suggests the nearest word for a misspelt one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class FactKind:
    """A fact of `data` (申请事实): what values it takes and what people call it. Dates are ISO 8601 days."""

    type: Literal["date", "bool", "choice", "text"]
    label: str
    label_en: str
    choices: tuple[tuple[str, str, str], ...] = ()  # value, Chinese, English

    @property
    def values(self) -> tuple[object, ...]:
        """What a condition may compare it with; () for dates and texts, which only a check may judge."""
        if self.type == "bool":
            return (True, False)
        return tuple(value for value, _, _ in self.choices)


DATA_FACTS: Final[dict[str, FactKind]] = {
    "guardian_register_in_catchment": FactKind(
        "bool", "父母或监护人户籍在学区内", "The parent's or guardian's register lies in the catchment"
    ),
    "student_register": FactKind(
        "choice",
        "学生户口性质",
        "The student's household register",
        (
            ("with_guardian", "与父母或监护人同户", "with the parent or guardian"),
            ("independent", "独立户口", "independent"),
            ("attached", "挂靠户口", "attached to another household"),
        ),
    ),
    "student_register_since": FactKind("date", "学生户口迁入学区日期", "In the catchment's register since"),
    "contract_signed_on": FactKind("date", "购房合同签订日期", "Purchase contract signed on"),
    "handed_over_on": FactKind("date", "交房日期", "Home handed over on"),
    "business_since": FactKind("date", "学区内经营起始日期", "In business in the catchment since"),
    "register_moved": FactKind(
        "choice",
        "户口迁移情况",
        "Move of the register",
        (
            ("family", "全家户口迁移", "of the whole family"),
            ("student_only", "学生单人户口迁移", "of the student alone"),
            ("none", "未迁移", "none"),
        ),
    ),
    "home_moved": FactKind("bool", "住址已迁移", "The home has moved"),
    "moved_across": FactKind(
        "choice",
        "迁移跨越的区划",
        "Moved across",
        (
            ("province", "跨省", "provinces"),
            ("city", "跨市", "cities"),
            ("county", "跨县", "counties"),
            ("township", "跨乡镇", "townships"),
            ("none", "未跨乡镇", "no boundary"),
        ),
    ),
    "rural_family": FactKind("bool", "农村家庭", "A rural family"),
    "lives_in_bought_home": FactKind("bool", "在城镇购楼房并居住", "Lives in a home bought in town"),
    "placed_by_bureau": FactKind("bool", "教育局安排就学", "Placed by the bureau"),
    "entered_on": FactKind("date", "入学日期", "Entered on"),
    "arrived_on": FactKind("date", "到校日期", "Arrived on"),
    "attends_since": FactKind("date", "实际到校就读起始日期", "Sits in class since"),
    "ground_text": FactKind("text", "转学理由说明", "The reason in words"),
    "text": FactKind("text", "说明", "Text"),
    "other_ground": FactKind("text", "其他转学理由", "Another reason"),
}
GROUND_TEXTS: Final = ("ground_text", "text", "other_ground")
"""Any of these carries the words that go with the ground `other`."""

GROUNDS: Final[dict[str, tuple[str, str]]] = {
    "return_to_registered_home": ("回原籍就读", "Return to the registered home"),
    "job_relocation": ("父母或监护人工作调动", "Relocation of a parent's job"),
    "moved_house": ("家庭住址变迁", "The family moved house"),
    "business": ("父母或监护人经商", "A parent in business"),
    "migrant_work": ("父母或监护人务工", "A parent in migrant work"),
    "register_and_home_moved": ("家庭户口及住址迁移", "Family register and home moved"),
    "rural_family_settled_in_town": ("农村家长到城镇买楼房居住", "Rural family living in a home bought in town"),
    "other": ("其他理由", "Another reason"),
}

DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {
    "transfer_application_form": ("转学申请表", "transfer application form"),
    "transfer_form_stamped": ("转学登记表（已签章）", "transfer form, stamped"),
    "household_register_head_page": ("户口本户主页", "household register: head page"),
    "household_register_student_page": ("户口本学生本人页", "household register: student's page"),
    "household_register_parent_page": ("父母或监护人户口本页", "household register: parent's page"),
    "resident_record": ("常住人口信息表", "resident record"),
    "birth_certificate": ("出生证", "birth certificate"),
    "kinship_proof": ("户籍科亲属关系证明", "proof of kinship by the register office"),
    "other_kinship_proof": ("其他亲属关系证明", "other proof of kinship"),
    "guardianship_proof": ("监护关系证明", "proof of guardianship"),
    "employer_certificate": ("工作单位证明", "employer's certificate"),
    "property_certificate": ("房产证", "property certificate"),
    "purchase_contract_address_page": ("购房合同地址页", "purchase contract: page with the address"),
    "purchase_contract_handover_page": ("购房合同交房时间页", "purchase contract: page with the handover date"),
    "purchase_contract_owner_page": ("购房合同业主按印页", "purchase contract: page with the owner's print"),
    "purchase_invoice": ("购房原始发票", "original purchase invoice"),
    "housing_bureau_certificate": ("房管局证明", "housing bureau's certificate"),
    "business_licence": ("工商执照", "business licence"),
    "tax_registration": ("税务登记证", "tax registration"),
    "residence_permit": ("居民临时居住证", "residence permit"),
    "tenancy_contract": ("住房租赁合同", "tenancy contract"),
    "other_residence_proof": ("其他居住证明", "other proof of residence"),
    "labour_contract": ("用工合同", "labour contract"),
    "pension_insurance_record": ("社会养老保险缴纳证明", "pension insurance record"),
    "schooling_contact_letter": ("就学联系函", "schooling contact letter"),
    "enrolment_proof": ("原校就读证明（盖章）", "proof of study at the old school, stamped"),
    "transfer_certificate": ("转学证", "transfer certificate"),
    "transfer_certificate_receipt": ("转学证回执", "receipt of the transfer certificate"),
    "origin_transfer_proof": ("转出学校出具的转学证明", "transfer proof issued by the origin school"),
    "record_file": ("学籍档案", "status record file"),
    "old_status_card": ("原学籍卡", "old status card"),
    "status_basic_sheet": ("学籍基础信息表", "basic data sheet"),
    "stamped_written_application": (
        "书面申请（学校签字盖章）",
        "written application, signed and stamped by the school",
    ),
    "written_application": ("书面申请", "written application"),
    "suspension_application": ("休学申请", "application for suspension"),
    "hospital_diagnosis": ("县级以上医院诊断", "diagnosis of a hospital at county level or above"),
    "medical_record": ("病历", "medical record"),
    "medical_bill": ("医疗票据", "medical bill"),
    "health_certificate": ("复学健康证明", "health certificate for resumption"),
    "passport": ("护照", "passport"),
    "visa": ("签证", "visa"),
    "death_certificate": ("死亡证明", "death certificate"),
    "dropout_report": ("辍学书面报告", "written dropout report"),
    "identity_card": ("居民身份证", "resident identity card"),
    "police_change_proof": ("公安机关变更证明", "police certificate of a change"),
    "admission_notice": ("录取通知书", "admission notice"),
    "enrolment_notice": ("入学通知书", "enrolment notice"),
    "graduation_certificate": ("毕业证书", "graduation certificate"),
    "finishing_certificate": ("结业证书", "certificate of finishing"),
    "leaving_certificate": ("肄业证明", "certificate of leaving"),
    "credential_proof": ("学历证明书", "proof of a credential"),
    "transfer_waiver": ("家长签字的放弃转接说明", "waiver of the transfer, signed by the parent"),
    "disability_card": ("残疾人证", "disability card"),
    "photo": ("数码照片", "digital photo"),
    "school_merger_document": ("学校撤并文件", "document on a school's merger or closing"),
    "enlistment_notice": ("入伍通知书", "enlistment notice"),
    "promotion_list": ("小升初底表", "list of primary leavers"),
    "bureau_placement_decision": ("教育局安排就学决定", "the bureau's placement decision"),
    "other_document": ("其他材料", "other document"),
}

UNITS: Final = (
    "destination_school",
    "origin_school",
    "destination_bureau",
    "origin_bureau",
    "shared_bureau",
    "destination_province",
    "origin_province",
)
ROLES: Final = ("registrar", "principal")
HOLDER_EVENTS: Final = ("approve", "file", "return", "reject", "confirm_arrival")
"""Events that a step may give to its holder."""

EVENTS: Final = ("submit", *HOLDER_EVENTS, "resubmit", "recall", "remind", "note")
"""Events that people send, and that a check may therefore refuse."""

STAGES: Final = ("primary", "junior", "senior")
STATUSES: Final = (
    "attending",
    "suspended",
    "left",
    "halted",
    "record_retained",
    "dropped_out",
    "graduated",
    "finished_without_diploma",
    "left_with_record",
    "transferred_out",
    "deceased",
    "admission_reserved",
    "abroad_state_sent",
    "abroad",
    "expelled",
    "missing",
    "other",
    "pending_registration",
    "registration_deferred",
    "entry_postponed",
)

_YES_NO: Final = (True, False)
WHEN_FACTS: Final[dict[str, tuple[object, ...]]] = {
    "ground": tuple(GROUNDS),
    "stage": STAGES,
    "status": STATUSES,
    "season": ("autumn", "spring"),
    "town": _YES_NO,
    "same_bureau": _YES_NO,
    "same_province": _YES_NO,
    "same_city": _YES_NO,
    "special_education": _YES_NO,
}
"""Fields of `states.facts.Facts` that a condition may ask, with their domains: booleans and enumerations only, so that
the linter can try every combination."""
