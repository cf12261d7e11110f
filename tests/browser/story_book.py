"""The book of the whole story: which pictures it has, in order, and the sentence under each."""

from __future__ import annotations

TITLE = "The whole life of an order"
INTRODUCTION = (
    "One order of the Order Hub from its entry to the customer's signature, and another that comes back: twelve people at "
    "desks and on telephones, a supplier and a customer outside. The pictures are taken by the test that plays the story in "
    "a real browser (`tests/browser/test_whole_story.py`); `STORY=1 .venv/bin/pytest tests/browser/test_whole_story.py` "
    "takes them anew."
)
# picture → who, and what happens
TOLD = {
    "sales_enters_the_order": ("Li Na, sales", "An order of two products; amounts add up while she types."),
    "credit_check_freezes_it": ("Li Na, sales", "Saved, it is frozen at once, and says why: open orders exceed three times the customer's credit limit. Releasing it is not hers."),
    "finance_is_told": ("Wang Fang, finance, in English", "The same second finance has it in the notifications."),
    "finance_releases_with_a_reason": ("Wang Fang, finance", "Without a reason the release is refused; with one the order stands where it stood."),
    "sales_brings_the_voucher": ("Li Na, sales", "Contract and bank slip are uploaded; the page names what is still missing."),
    "finance_approves": ("Wang Fang, finance", "The deposit is booked, the payment confirmed, and her tick sends the order on by itself: material is being prepared, with an expected day for every step."),
    "the_order_waits_for_resin": ("Chen Gang, purchasing", "Jobs and requirements were made from the bills of material. Resin is missing; amounts and vouchers are not for purchasing."),
    "purchasing_compares_two_quotes": ("Chen Gang, purchasing", "A request, two quotes side by side; choosing one makes the purchase order."),
    "purchasing_gives_the_supplier_a_link": ("Chen Gang, purchasing", "A link that opens this one purchase order, shown once."),
    "the_supplier_opens_it_on_the_phone": ("The supplier, outside", "No account is needed; nothing of the inside is shown."),
    "the_supplier_confirms_the_date": ("The supplier, outside", "Date and quantity are confirmed, and stand in the purchase order."),
    "the_planner_sees_it_wait": ("Zhao Min, planning", "The control tower: the order waits for material, and what that means for its promised date."),
    "the_warehouse_scans_the_pallet": ("Wu Lei, warehouse, in English", "The camera reads the code on the pallet; the purchase order is filled in."),
    "the_receipt_is_posted": ("Wu Lei, warehouse", "Lot, place and a photo; posted, the ledger has it."),
    "the_planner_sees_it_queued": ("Zhao Min, planning", "Nobody reloaded this screen: the receipt released the waiting order into the queue."),
    "planning_schedules": ("Zhao Min, planning", "A plan that ends before it begins is refused where it is typed."),
    "the_worker_has_large_buttons": ("Ma Chao, operator", "His phone shows what he does, in large buttons."),
    "the_worker_reports_scrap_with_a_photo": ("Ma Chao, operator", "The server has just gone down. Good pieces, scrap with its reason and a photo, machine, minutes."),
    "the_server_is_down_and_work_waits": ("Ma Chao, operator", "Both reports wait on the phone, after going back, in a second tab and after a reload. When the server is back each arrives once."),
    "the_workshop_approves_reports": ("Sun Qiang, workshop", "Reports are approved from the phone; only approved ones count, and too few pieces do not go to inspection."),
    "sales_asks_for_a_change": ("Li Na, sales", "The customer needs it earlier. The change shows who approves it, and what it costs."),
    "the_director_sees_what_it_costs": ("Director Lin, in English", "What is bought, issued and worked already stands above the decision."),
    "logistics_prints_the_delivery_note": ("Zheng Wei, logistics", "The shipment is recorded and its delivery note printed."),
    "quality_takes_a_photo": ("Qian Li, quality", "A photo, and one tap: the inspection has passed and the order is on its way, its invoice made."),
    "the_customer_sees_the_eight_steps": ("Manager Zhou, the customer, outside", "Invited by mail, he sees his own orders along their eight steps, and what is asked of him."),
    "the_customer_signs": ("Manager Zhou, the customer", "He signs for it with a finger."),
    "the_customer_has_signed": ("Manager Zhou, the customer", "The order has come to its end; papers and invoices stay there for him."),
    "another_order_comes_back": ("Feng Jing, customer service", "Another customer sends everything back."),
    "the_return_waits_for_the_review": ("Director Lin", "It waits for the fortnightly review, where it needs a cause, an action and somebody responsible."),
    "the_manager_looks_from_the_tower": ("General manager He", "Everything that is open, worst first."),
    "typing_the_number_finds_it": ("General manager He", "A number typed anywhere leads to its record."),
    "the_manager_opens_the_order": ("General manager He", "All eight steps, when each was left and by whom."),
    "every_event_is_in_its_story": ("General manager He", "Every event, by people, rules and people outside, with its reasons."),
}  # fmt: skip


def picture(name: str) -> str:
    """The file name of a picture; its number is its place in the story."""
    return f"{list(TOLD).index(name) + 1:02d}_{name}.png"


def written() -> str:
    """docs/story.md, whole."""
    parts = [f"# {TITLE}", INTRODUCTION]
    for place, (name, (who, what)) in enumerate(TOLD.items(), 1):
        parts.append(f"## {place}. {who}\n\n{what}\n\n![{what}](images/story/{picture(name)})")
    return "\n\n".join(parts) + "\n"
