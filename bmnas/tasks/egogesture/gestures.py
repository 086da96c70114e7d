"""What EgoGesture has: its gestures, and which subjects are in which split.

Zhang, Cao, Cheng and Lu, "EgoGesture: A New Dataset and Benchmark for Egocentric Hand Gesture Recognition", IEEE
Transactions on Multimedia, 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bmnas.tasks.task import SplitName

ADDRESS = "http://www.nlpr.ia.ac.cn/iva/yfzhang/datasets/egogesture.html"

# In the order of their numbers, which begin at 1 in the files.
GESTURES = (
    *("Scroll_hand_towards_right", "Scroll_hand_towards_left", "Scroll_hand_downward", "Scroll_hand_upward"),
    *("Scroll_hand_forward", "Scroll_hand_backward", "Cross_index_fingers", "Zoom_in_with_fists"),
    *("Zoom_out_with_fists", "Rotate_fists_clockwise", "Rotate_fists_counterclockwise", "Zoom_in_with_fingers"),
    *("Zoom_out_with_fingers", "Rotate_fingers_clockwise", "Rotate_fingers_counterclockwise"),
    *("Click_with_index_finger", "Sweep_diagonal", "Sweep_circle", "Sweep_cross", "Sweep_checkmark", "Static_fist"),
    *("Measure(distance)", "Photo_frame", "Number_0", "Number_1", "Number_2", "Number_3", "Number_4", "Number_5"),
    *("Number_6", "Number_7", "Number_8", "Number_9", "OK", "Another_number_3", "Pause", "Shape_C"),
    *("Make_a_phone_call", "Wave_hand", "Wave_finger", "Knock", "Beckon", "Palm_to_fist", "Fist_to_Palm"),
    *("Trigger_with_thumb", "Trigger_with_index_finger", "Hold_fist_in_the_other_hand", "Grasp", "Walk"),
    *("Gather_fingers", "Snap_fingers", "Applaud", "Dual_hands_heart", "Put_two_fingers_together"),
    *("Take_two_fingers_apart", "Turn_over", "Move_fist_upwards", "Move_fist_downward", "Move_fist_toward_left"),
    *("Move_fist_toward_right", "Bring_hand_close", "Push_away", "Thumb_upward", "Thumb_downward"),
    *("Thumb_toward_right", "Thumb_toward_left", "Thumbs_backward", "Thumbs_forward", "Move_hand_upward"),
    *("Move_hand_downward", "Move_hand_towards_left", "Move_hand_towards_right"),
    *("Draw_circle_with_hand_in_horizontal_surface", "Bent_number_2", "Bent_another_number_3", "Dual_fingers_heart"),
    *("Scroll_fingers_toward_left", "Scroll_fingers_toward_right", "Move_fingers_upward", "Move_fingers_downward"),
    *("Move_fingers_left", "Move_fingers_right", "Move_fingers_forward"),
)

SUBJECTS: Mapping[SplitName, tuple[int, ...]] = MappingProxyType(
    {
        "train": (
            *(3, 4, 5, 6, 8, 10, 15, 16, 17, 20, 21, 22, 23, 25, 26, 27, 30, 32),
            *(36, 38, 39, 40, 42, 43, 44, 45, 46, 48, 49, 50),
        ),
        "validation": (1, 7, 12, 13, 24, 29, 33, 34, 35, 37),
        "test": (2, 9, 11, 14, 18, 19, 28, 31, 41, 47),
    }
)

# Samples of the whole data set.
SAMPLES: Mapping[SplitName, int] = MappingProxyType({"train": 14416, "validation": 4768, "test": 4977})
