#include "receive_reasons.hpp"

#include <cerrno>
#include <system_error>

namespace stt::cli {

std::optional<std::string_view> fatal_reason(int error) {
    switch (error) {
        case ENOSPC:
            return "the receiver's disk is full";
        case EDQUOT:
            return "the receiver's disk quota is used up";
        case EROFS:
            return "the receiver's file system is read-only";
        case EIO:
            return "the receiver's disk has an input/output error";
        default:
            return std::nullopt;
    }
}

std::string_view advice_for(int error) {
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            return "make room and send again: it resumes";
        case EROFS:
            return "choose another folder";
        default:
            return "check the disk";
    }
}

std::string refusal_reason(int error) {
    switch (error) {
        case EEXIST:
            return "another file of this name is there already and is kept; "
                   "stt receive --overwrite would replace it";
        case EISDIR:
            return "a folder of this name is there already";
        case ENOTDIR:
        case ELOOP:
        case EXDEV:
            return "a file or a link is where a folder should be";
        case ENOENT:
            return "its folder is not there";
        case EACCES:
        case EPERM:
            return "the receiver may not write there";
        case EWOULDBLOCK:
            return "another stt receive is receiving the same file";
        case ESTALE:
            return "another sender took over sending the same file";
        case ENAMETOOLONG:
            return "the name is too long for the receiver's file system";
        case EFBIG:
            return "the file is too large for the receiver's file system";
        default:
            return std::generic_category().message(error);
    }
}

}  // namespace stt::cli
